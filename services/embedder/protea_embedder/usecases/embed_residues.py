"""Vectors of residues on request: the coordinator checks what is asked for, one worker writes one file."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.events import EmbeddingsBatchDone, EmbeddingsBatchRequested
from protea_common.jobs import (
    BatchClaim,
    JobClaim,
    NewBatch,
    complete_batch,
    dispatch_batches,
    guard_batch,
    succeed_job,
)
from protea_common.operations import EmbedResidues
from protea_common.storage import ArtifactStore
from protea_embedder.adapters.storage import ConfigStore, NamedSequence, SequenceStore, UnknownAccessionsError
from protea_embedder.adapters.vector_files import ResidueWriter
from protea_embedder.domain.embedding_config import EmbeddingConfig
from protea_embedder.domain.encoder import ResidueEncoder
from protea_embedder.domain.pools import choose_pool
from protea_embedder.domain.vector_rows import FileHead
from protea_embedder.usecases.device import DeviceRunner
from protea_embedder.usecases.embed_batch import EncoderOf

__all__ = ["AskForResidues", "NoResidueVectorsError", "TooManyResiduesError", "WriteResidueFile"]

MAX_RESIDUES: Final = 200_000
"""Residues of one job: at 1,280 dimensions a file of 0.5 GB, and a batch that a worker still ends within minutes."""

Found = Mapping[str, tuple[int, int]]


class TooManyResiduesError(PermanentError):
    """The proteins have more residues together than one file may have."""

    slug: ClassVar[str] = "too-many-residues"


class NoResidueVectorsError(PermanentError):
    """The recipe's encoder has no vectors of single residues."""

    slug: ClassVar[str] = "no-residue-vectors"


class AskForResidues:
    """The coordinator of ``embed_residues``: one batch for one worker, which has the model.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    pools
        Least number of parameters by pool of workers.
    """

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], pools: Mapping[str, int]) -> None:
        self._unit_of_work = unit_of_work
        self._pools = pools

    async def __call__(self, claim: JobClaim) -> None:
        """Check the proteins and their residues, then ask."""
        request = EmbedResidues.read(claim.payload, operation=claim.operation)
        async with self._unit_of_work() as work:
            config = await ConfigStore(work.session).get(request.embedding_config_id)
            found = await _find(SequenceStore(work.session), request)
        lengths = dict(found.values())
        if (residues := sum(lengths.values())) > MAX_RESIDUES:
            raise TooManyResiduesError(
                f"The proteins have {residues:,} residues together; {MAX_RESIDUES:,} is the limit of one job. Ask for "
                "fewer at a time."
            )
        asked = EmbeddingsBatchRequested(
            job_id=claim.job_id,
            batch_index=0,
            embedding_config_id=config.id,
            sequences=len(lengths),
            residues=residues,
            pool=choose_pool(config.param_count, self._pools),
        )
        async with self._unit_of_work() as work:
            await dispatch_batches(work, claim, [NewBatch(request=asked, payload={})])


class WriteResidueFile:
    """The worker of ``embed_residues``; the file is named in the result as ``artifact``.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    encoder_of
        Gives the encoder of a recipe.
    device
        Runs it.
    artifacts
        Where the file goes.
    executor
        Thread that closes the file.
    """

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        encoder_of: EncoderOf,
        device: DeviceRunner,
        artifacts: ArtifactStore,
        executor: Executor,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._encoder_of = encoder_of
        self._device = device
        self._artifacts = artifacts
        self._executor = executor

    async def __call__(self, claim: BatchClaim) -> None:
        """Read, embed into a file, keep it, end batch and job."""
        request = EmbedResidues.read(claim.job_payload, operation=claim.operation)
        async with self._unit_of_work() as work:
            store = ConfigStore(work.session)
            config = await store.get(request.embedding_config_id)
            licence = await store.licence(config.id)
            found = await _find(SequenceStore(work.session), request)
            sequences = await SequenceStore(work.session).read([sequence_id for sequence_id, _ in found.values()])
        key = f"exports/{claim.job_id}/residues.h5"
        with tempfile.TemporaryDirectory(prefix="protea-residues-") as folder:
            path = Path(folder) / "residues.h5"
            await self._write(path, sequences, found, config, licence=licence)
            size = path.stat().st_size
            await self._artifacts.put(key, path)
        residues = sum(len(sequence.residues) for sequence in sequences)
        done = EmbeddingsBatchDone(
            job_id=claim.job_id,
            batch_index=claim.batch_index,
            seconds=0.0,
            embedding_config_id=config.id,
            sequences=len(sequences),
            residues=residues,
        )
        async with self._unit_of_work() as work:
            await guard_batch(work, claim)
            await complete_batch(work, claim, done, counts={"sequences": len(sequences), "residues": residues})
            result = {"artifact": key, "bytes": size, "accessions": len(found), "residues": residues, "format": "hdf5"}
            await succeed_job(work, claim.job_id, result=result)

    async def _write(
        self, path: Path, sequences: Sequence[NamedSequence], found: Found, config: EmbeddingConfig, *, licence: str
    ) -> None:
        encoder = await self._encoder_of(config)
        if not isinstance(encoder, ResidueEncoder):
            raise NoResidueVectorsError(
                f"The encoder of recipe {config.id} (backend {config.recipe.model_backend!r}) has no vectors of single "
                "residues; choose one of a protein language model."
            )
        recipe = json.dumps(asdict(config.recipe), sort_keys=True)
        head = FileHead(config.id, recipe, licence, encoder.residue_width)
        loop = asyncio.get_running_loop()
        writer = await loop.run_in_executor(self._executor, ResidueWriter, path, head)
        try:
            write = partial(_write_all, writer, _accessions_of(found))
            await self._device.embed_residues(sequences, encoder, config.recipe, write=write)
        finally:
            await loop.run_in_executor(self._executor, writer.close)


def _accessions_of(found: Found) -> dict[int, list[str]]:
    """Turn the table around: a sequence may belong to several accessions."""
    accessions: dict[int, list[str]] = {}
    for accession, (sequence_id, _) in found.items():
        accessions.setdefault(sequence_id, []).append(accession)
    return accessions


def _write_all(
    writer: ResidueWriter,
    accessions_of: Mapping[int, Sequence[str]],
    sequence: NamedSequence,
    vectors: NDArray[np.float16],
) -> None:
    for accession in accessions_of[sequence.id]:
        writer.write(accession, vectors, truncated=len(vectors) < len(sequence.residues))


async def _find(store: SequenceStore, request: EmbedResidues) -> Found:
    found = await store.by_accession(request.accessions, query_set_id=request.query_set_id)
    if unknown := sorted(set(request.accessions) - found.keys()):
        raise UnknownAccessionsError(unknown)
    return found
