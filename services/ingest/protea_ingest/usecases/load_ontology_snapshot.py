"""Loading a release of the Gene Ontology from an OBO file."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.events import OntologyLoaded
from protea_common.jobs import JobClaim, finish_job, report_progress
from protea_common.operations import LoadOntologySnapshot
from protea_common.storage import ArtifactStore
from protea_ingest.adapters.sources import SourceFiles
from protea_ingest.adapters.storage import OntologyStore, Release, StoredRelease
from protea_ingest.domain.obo import OntologyDocument, parse_obo

__all__ = ["LoadOntologyFile", "OntologyVersionClashError"]

_GZIP_MAGIC = b"\x1f\x8b"

_STEPS = 3
"""Reading, archiving, storing."""


class OntologyVersionClashError(PermanentError):
    """Another ontology file with the same version is loaded already."""

    slug: ClassVar[str] = "ontology-version-clash"
    status: ClassVar[int] = 409


class LoadOntologyFile:
    """Use case of ``load_ontology_snapshot``; a file that is loaded already is not loaded again.

    The job's row is locked only at the end of the transaction that writes, by `finish_job`, so that the job can be
    cancelled beside it.
    """

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        sources: SourceFiles,
        artifacts: ArtifactStore,
        executor: Executor,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._sources = sources
        self._artifacts = artifacts
        self._executor = executor

    async def __call__(self, claim: JobClaim) -> None:
        """Read the file, keep a copy of it, store its terms and relations."""
        request = LoadOntologySnapshot.read(claim.payload, operation=claim.operation)
        loop = asyncio.get_running_loop()
        async with self._sources.open(request.source_uri) as source:
            document = await loop.run_in_executor(self._executor, parse_obo, source.lines())
            release = Release(request.source_uri, document.data_version, source.content_sha256, request.ia_url)
            stored = await self._find(release)
            if stored is not None:
                await self._skip(claim, stored)
                return
            await self._tell(claim, steps=1)
            artifact_uri = await self._archive(source.path, release)
        await self._tell(claim, steps=2)
        await self._store(claim, release, document, artifact_uri=artifact_uri)

    async def _find(self, release: Release) -> StoredRelease | None:
        """Look for the same file.

        Raises
        ------
        OntologyVersionClashError
            If the same version was loaded from another file.
        """
        async with self._unit_of_work() as work:
            stored = await OntologyStore(work.session).find(release.obo_version)
        if stored is not None and stored.obo_sha256 != release.obo_sha256:
            raise OntologyVersionClashError(
                f"The release {release.obo_version} is loaded already, from a file with the SHA-256 "
                f"{stored.obo_sha256}, and this file has {release.obo_sha256}. Use the loaded release, or load a file "
                "with another data-version."
            )
        return stored

    async def _skip(self, claim: JobClaim, stored: StoredRelease) -> None:
        async with self._unit_of_work() as work:
            await finish_job(work, claim, result={"skipped": True, "ontology_snapshot_id": str(stored.id)})

    async def _archive(self, path: Path, release: Release) -> str:
        """Keep the file, compressed, under the digest of its text; give its URI."""
        loop = asyncio.get_running_loop()
        compressed = await loop.run_in_executor(self._executor, _compressed, path)
        return await self._artifacts.put(f"ontologies/{release.obo_sha256}.obo.gz", compressed)

    async def _store(self, claim: JobClaim, release: Release, document: OntologyDocument, *, artifact_uri: str) -> None:
        async with self._unit_of_work() as work:
            snapshot_id = await OntologyStore(work.session).add(release, document, artifact_uri=artifact_uri)
            loaded = OntologyLoaded(
                job_id=claim.job_id,
                ontology_snapshot_id=snapshot_id,
                obo_version=document.data_version,
                terms=len(document.terms),
            )
            work.publish(loaded)
            await report_progress(work, claim.job_id, current=_STEPS, total=_STEPS)
            await finish_job(work, claim, result=_result(snapshot_id, document))

    async def _tell(self, claim: JobClaim, *, steps: int) -> None:
        async with self._unit_of_work() as work:
            await report_progress(work, claim.job_id, current=steps, total=_STEPS)


def _result(snapshot_id: UUID, document: OntologyDocument) -> dict[str, str | int]:
    return {
        "ontology_snapshot_id": str(snapshot_id),
        "obo_version": document.data_version,
        "terms_inserted": len(document.terms),
        "relationships_inserted": len(document.relations),
        "obsolete": sum(term.is_obsolete for term in document.terms),
        "alt_ids": sum(len(term.alt_ids) for term in document.terms),
        "dropped_relations": document.dropped_relations,
    }


def _compressed(path: Path) -> bytes | Path:
    """Give a file that is compressed as it is, another one compressed."""
    with path.open("rb") as file:
        if file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC:
            return path
        file.seek(0)
        # Without a time the same text gives the same file.
        return gzip.compress(file.read(), mtime=0)
