"""Taking vectors that somebody else computed: a recipe that names their file, and a row for each known accession."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.jobs import JobClaim, finish_job, guard_job, report_progress
from protea_common.operations import ImportEmbeddings
from protea_common.storage import ArtifactStore
from protea_embedder.adapters.storage import ConfigStore, EmbeddingStore, SequenceStore
from protea_embedder.adapters.vector_files import InvalidVectorFileError, VectorFile, read_hdf5
from protea_embedder.domain.embedding_config import ConfigText, EmbeddingConfig, new_embedding_config
from protea_embedder.domain.recipe import imported_recipe
from protea_embedder.domain.stored_vectors import StoredVectors, to_half_precision

__all__ = ["ImportVectors", "NothingToImportError"]

_ARTIFACT: Final = "artifact:"

_BLOCK: Final = 2_000
"""Vectors written in one transaction: some megabytes."""

Block = tuple[list[str], NDArray[np.float32]]


class NothingToImportError(PermanentError):
    """None of the file's accessions is known."""

    slug: ClassVar[str] = "nothing-to-import"


class ImportVectors:
    """Use case of ``import_embeddings``; the same file and choices give the same recipe, so a repetition adds nothing.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    artifacts
        Where the file was uploaded to.
    executor
        Thread that reads it.
    """

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore, executor: Executor) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts
        self._executor = executor

    async def __call__(self, claim: JobClaim) -> None:
        """Read block by block, each in a transaction of its own, then end the job."""
        request = ImportEmbeddings.read(claim.payload, operation=claim.operation)
        if not request.source_uri.startswith(_ARTIFACT):
            raise InvalidVectorFileError("source_uri is no upload; give what POST /v1/uploads answered.")
        loop = asyncio.get_running_loop()
        async with self._artifacts.local_path(request.source_uri.removeprefix(_ARTIFACT)) as path:
            digest = await loop.run_in_executor(self._executor, _digest, path)
            file = await loop.run_in_executor(self._executor, read_hdf5, path)
            with file:
                config = _config(request, digest, file)
                written, unknown = await self._write(claim, request, config, file)
        async with self._unit_of_work() as work:
            await guard_job(work, claim)
            if unknown == len(file):
                raise NothingToImportError(
                    f"None of the {len(file):,} accessions of the file is known; load the proteins first, or name the "
                    "query set that they belong to."
                )
            result = {
                "embedding_config_id": str(config.id),
                "dimension": config.dimension,
                "vectors_written": written,
                "unknown_accessions": unknown,
                "licence": request.licence,
            }
            await finish_job(work, claim, result=result)

    async def _write(
        self, claim: JobClaim, request: ImportEmbeddings, config: EmbeddingConfig, file: VectorFile
    ) -> tuple[int, int]:
        """Write what is known; give the rows added and the accessions that nobody knows."""
        loop = asyncio.get_running_loop()
        blocks = file.blocks(_BLOCK)
        done = written = unknown = 0
        while (block := await loop.run_in_executor(self._executor, _next, blocks)) is not None:
            accessions, vectors = block
            async with self._unit_of_work() as work:
                await guard_job(work, claim)
                known = await SequenceStore(work.session).by_accession(accessions, query_set_id=request.query_set_id)
                if known:
                    await ConfigStore(work.session).add(config, _text(request))
                    rows = _rows(accessions, vectors, known, config)
                    written += await EmbeddingStore(work.session).write(rows, config=config, replace=False)
                done += len(accessions)
                unknown += len(set(accessions) - known.keys())
                await report_progress(work, claim.job_id, current=done, total=len(file))
        return written, unknown


def _next(blocks: Iterator[Block]) -> Block | None:
    return next(blocks, None)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _config(request: ImportEmbeddings, digest: str, file: VectorFile) -> EmbeddingConfig:
    recipe = imported_recipe(
        digest,
        model_name=request.model_name,
        normalize=request.normalize,
        embedding_scale=request.embedding_scale,
    )
    return new_embedding_config(recipe, weights_uri=None, dimension=file.dimension)


def _text(request: ImportEmbeddings) -> ConfigText:
    return ConfigText(
        display_name=request.display_name or request.model_name,
        family="imported",
        description=request.description,
        licence=request.licence,
        is_language_model=True,
    )


def _rows(
    accessions: Sequence[str], vectors: NDArray[np.float32], known: dict[str, tuple[int, int]], config: EmbeddingConfig
) -> StoredVectors:
    """Give each sequence the vector of the first accession that has it."""
    row_of = {
        known[accession][0]: row for row, accession in reversed(list(enumerate(accessions))) if accession in known
    }
    length_of = dict(known.values())
    ids = np.array(sorted(row_of), dtype=np.int64)
    chosen = vectors[[row_of[sequence_id] for sequence_id in ids.tolist()]]
    if config.recipe.normalize:
        chosen = chosen / np.maximum(np.linalg.norm(chosen, axis=1, keepdims=True), np.float32(1e-12))
    return StoredVectors(
        sequence_ids=ids,
        chunk_starts=np.zeros(len(ids), dtype=np.int32),
        chunk_ends=None,
        residues=np.array([length_of[sequence_id] for sequence_id in ids.tolist()], dtype=np.int32),
        truncated=np.zeros(len(ids), dtype=np.bool_),
        vectors=to_half_precision(chosen, embedding_scale=config.recipe.embedding_scale),
    )
