"""Loading GO annotations from a GAF file as a set that never changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, ClassVar
from uuid import uuid5

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.events import AnnotationsLoaded
from protea_common.jobs import JobClaim, finish_job, report_progress
from protea_common.operations import LoadGoaAnnotations
from protea_ingest.adapters.chunks import read_in_chunks
from protea_ingest.adapters.sources import SourceFile, SourceFiles
from protea_ingest.adapters.storage import (
    AnnotationSetStore,
    IncomingAnnotations,
    NewAnnotationSet,
    OntologyStore,
    ProteinStore,
)
from protea_ingest.domain.annotation_filter import AnnotationFilter, Misfit
from protea_ingest.domain.gaf import GafReader, RejectReason, read_gaf
from protea_ingest.usecases.progress import ReadingProgress

__all__ = ["LoadAnnotationFile", "NoAnnotationKeptError"]

_SOURCE = "goa"

_REMEDIES: Mapping[str, str] = {
    Misfit.UNKNOWN_PROTEIN: "load the proteins of this file first (operation load_proteins)",
    Misfit.UNKNOWN_GO_ID: "choose the ontology release that the file was made with",
    Misfit.OBSOLETE_TERM: "choose the ontology release that the file was made with",
    RejectReason.AFTER_CUTOFF: "choose a later annotated_before",
}
"""What to do when a reason left out most of a file."""


class NoAnnotationKeptError(PermanentError):
    """No annotation of the file fits the loaded proteins and the chosen ontology release.

    Attributes
    ----------
    rejected
        Lines left out, by reason.
    """

    slug: ClassVar[str] = "no-annotation-kept"

    def __init__(self, rejected: Mapping[str, int]) -> None:
        most = max(rejected, key=rejected.__getitem__)
        listed = ", ".join(f"{reason}: {number}" for reason, number in rejected.items())
        remedy = _REMEDIES.get(most, "load an unedited GAF")
        super().__init__(f"No annotation of the file was kept ({listed}); {remedy}.")
        self.rejected = dict(rejected)


@dataclass(frozen=True, slots=True)
class _Load:
    """One load: what reads the file, what sorts its rows out, and where they go."""

    source: SourceFile
    reader: GafReader
    fitting: AnnotationFilter
    incoming: IncomingAnnotations

    def rejected(self) -> dict[str, int]:
        """Lines left out so far, by reason."""
        return {reason.value: number for reason, number in (self.reader.rejects | self.fitting.rejects).items()}

    def meta(self, new: NewAnnotationSet, rejected: Mapping[str, int]) -> dict[str, Any]:
        """Tell how the load went, for the set's row."""
        cutoff = new.annotated_before
        return {
            "gaf": asdict(self.reader.header),
            "annotated_before": None if cutoff is None else cutoff.isoformat(),
            "lines": self.reader.data_lines,
            "rejected": dict(rejected),
            "remapped_alt_ids": self.fitting.remapped_alt_ids,
        }


class LoadAnnotationFile:
    """Use case of ``load_goa_annotations``.

    One transaction holds the whole load. The job's row is locked only at its end, by `finish_job`: until then leases
    are renewed, progress is told and the job can be cancelled beside it. The set's id follows from the job's, so a job
    that runs twice cannot make two sets.
    """

    def __init__(
        self, *, unit_of_work: Callable[[], UnitOfWork], sources: SourceFiles, executor: Executor, chunk_size: int
    ) -> None:
        self._unit_of_work = unit_of_work
        self._sources = sources
        self._executor = executor
        self._chunk_size = chunk_size

    async def __call__(self, claim: JobClaim) -> None:
        """Read into a temporary table, then write the set."""
        request = LoadGoaAnnotations.read(claim.payload, operation=claim.operation)
        async with self._sources.open(request.source_uri) as source, self._unit_of_work() as work:
            load = await self._open(work, source, request)
            await self._read(work, claim, load)
            result = await _write(work, load, _describe(claim, request, source))
            await report_progress(work, claim.job_id, current=source.size_bytes, total=source.size_bytes)
            await finish_job(work, claim, result=result)

    async def _open(self, work: UnitOfWork, source: SourceFile, request: LoadGoaAnnotations) -> _Load:
        terms = await OntologyStore(work.session).read_term_ids(request.ontology_snapshot_id)
        opening = partial(read_gaf, source.lines(), annotated_before=request.annotated_before)
        reader = await asyncio.get_running_loop().run_in_executor(self._executor, opening)
        incoming = IncomingAnnotations(work.session)
        await incoming.open()
        return _Load(source, reader, AnnotationFilter(terms), incoming)

    async def _read(self, work: UnitOfWork, claim: JobClaim, load: _Load) -> None:
        """Read the file to its end.

        Raises
        ------
        NoAnnotationKeptError
            If that leaves nothing to store.
        """
        loop = asyncio.get_running_loop()
        proteins = ProteinStore(work.session)
        progress = ReadingProgress(self._unit_of_work, claim.job_id, total_bytes=load.source.size_bytes)
        async with aclosing(read_in_chunks(load.reader, size=self._chunk_size, executor=self._executor)) as chunks:
            async for chunk in chunks:
                known = await proteins.known_canonical({row.accession for row in chunk})
                kept = await loop.run_in_executor(self._executor, load.fitting.keep, chunk, known)
                await load.incoming.add(kept)
                await progress.tell(load.source.bytes_read)
        rejected = load.rejected()
        if sum(rejected.values()) == load.reader.data_lines:
            raise NoAnnotationKeptError(rejected)


def _describe(claim: JobClaim, request: LoadGoaAnnotations, source: SourceFile) -> NewAnnotationSet:
    return NewAnnotationSet(
        id=uuid5(claim.job_id, "annotation_set"),
        source=_SOURCE,
        source_version=request.source_version,
        content_sha256=source.content_sha256,
        annotated_before=request.annotated_before,
        ontology_snapshot_id=request.ontology_snapshot_id,
        job_id=claim.job_id,
    )


async def _write(work: UnitOfWork, load: _Load, new: NewAnnotationSet) -> dict[str, Any]:
    """Store the set with its rows, announce it, and give the job's result."""
    rejected = load.rejected()
    kept = load.reader.data_lines - sum(rejected.values())
    sets = AnnotationSetStore(work.session)
    await sets.add(new)
    inserted = await load.incoming.write(new.id)
    if inserted < kept:
        rejected[Misfit.DUPLICATE.value] = kept - inserted
    await sets.describe(new.id, annotation_count=inserted, meta=load.meta(new, rejected))
    loaded = AnnotationsLoaded(
        job_id=new.job_id,
        annotation_set_id=new.id,
        ontology_snapshot_id=new.ontology_snapshot_id,
        annotations=inserted,
    )
    work.publish(loaded)
    return {
        "annotation_set_id": str(new.id),
        "lines": load.reader.data_lines,
        "annotations_inserted": inserted,
        "rejected": rejected,
        "remapped_alt_ids": load.fitting.remapped_alt_ids,
    }
