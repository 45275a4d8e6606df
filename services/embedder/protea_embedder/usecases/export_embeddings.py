"""Writing the vectors of a recipe to a file in the artifact store."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.jobs import JobClaim, finish_job, guard_job
from protea_common.operations import ExportEmbeddings
from protea_common.storage import ArtifactStore
from protea_embedder.adapters.storage import ConfigStore, EmbeddingStore, SequenceStore
from protea_embedder.adapters.vector_files import Hdf5Writer, ParquetWriter, VectorWriter
from protea_embedder.domain.embedding_config import EmbeddingConfig
from protea_embedder.domain.vector_rows import FileHead, VectorRow

__all__ = ["ExportVectors", "NothingToExportError"]

_SUFFIXES = {"hdf5": "h5", "parquet": "parquet"}


class NothingToExportError(PermanentError):
    """The recipe has no vectors of what is to be exported."""

    slug: ClassVar[str] = "nothing-to-export"


class ExportVectors:
    """Use case of ``export_embeddings``; the file is named in the result as ``artifact``.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    artifacts
        Where the file goes.
    executor
        Thread that writes it.
    """

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore, executor: Executor) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts
        self._executor = executor

    async def __call__(self, claim: JobClaim) -> None:
        """Stream from the database into a file, then keep the file."""
        request = ExportEmbeddings.read(claim.payload, operation=claim.operation)
        key = f"exports/{claim.job_id}/embeddings.{_SUFFIXES[request.file_format]}"
        with tempfile.TemporaryDirectory(prefix="protea-export-") as folder:
            path = Path(folder) / "vectors"
            vectors = await self._write(path, request)
            size = path.stat().st_size
            await self._artifacts.put(key, path)
        async with self._unit_of_work() as work:
            await guard_job(work, claim)
            result = {"artifact": key, "bytes": size, "vectors": vectors, "format": request.file_format}
            await finish_job(work, claim, result=result)

    async def _write(self, path: Path, request: ExportEmbeddings) -> int:
        loop = asyncio.get_running_loop()
        written = 0
        async with self._unit_of_work() as work:
            config = await ConfigStore(work.session).get(request.embedding_config_id)
            head = _head(config, licence=await ConfigStore(work.session).licence(config.id))
            writer = await loop.run_in_executor(self._executor, _open, path, request.file_format, head)
            try:
                async for rows in await _rows(work, request):
                    await loop.run_in_executor(self._executor, writer.write, rows)
                    written += len(rows)
            finally:
                await loop.run_in_executor(self._executor, writer.close)
        if not written:
            raise NothingToExportError(
                f"The recipe {request.embedding_config_id} has no vectors of what is to be exported; compute them "
                "first."
            )
        return written


async def _rows(work: UnitOfWork, request: ExportEmbeddings) -> AsyncIterator[list[VectorRow]]:
    store = EmbeddingStore(work.session)
    if request.query_set_id is None:
        return store.of_proteins(request.embedding_config_id)
    await SequenceStore(work.session).of_query_set(request.query_set_id)
    return store.of_query_set(request.embedding_config_id, request.query_set_id)


def _head(config: EmbeddingConfig, *, licence: str) -> FileHead:
    recipe = json.dumps(asdict(config.recipe), sort_keys=True)
    return FileHead(config.id, recipe, licence, config.dimension or 1)


def _open(path: Path, file_format: str, head: FileHead) -> VectorWriter:
    return Hdf5Writer(path, head) if file_format == "hdf5" else ParquetWriter(path, head)
