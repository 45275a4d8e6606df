"""A worker's part of ``compute_embeddings``: the sequences of one batch into vectors in the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.events import EmbeddingsBatchDone
from protea_common.jobs import BatchClaim, complete_batch, guard_batch, succeed_job
from protea_common.operations import ComputeEmbeddings
from protea_common.telemetry import MetricRegistry
from protea_embedder.adapters.storage import ConfigStore, EmbeddingStore, NamedSequence, SequenceStore
from protea_embedder.domain.embedding_config import EmbeddingConfig
from protea_embedder.domain.encoder import Encoder
from protea_embedder.domain.stored_vectors import StoredVectors
from protea_embedder.usecases.batch_payload import BatchPayload, job_result
from protea_embedder.usecases.device import DeviceRunner

__all__ = ["EmbedBatch", "EncoderOf"]

EncoderOf = Callable[[EmbeddingConfig], Awaitable[Encoder]]
"""Gives the encoder of a recipe, ready to compute."""


class EmbedBatch:
    """Use case of ``embeddings.batch.requested``.

    Several batches may run at once: one has the device, whole, while others are read or written.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    encoder_of
        Gives the encoder of a recipe.
    device
        Runs it.
    metrics
        Where the time of a batch is counted.
    """

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], AbstractAsyncContextManager[UnitOfWork]],
        encoder_of: EncoderOf,
        device: DeviceRunner,
        metrics: MetricRegistry,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._encoder_of = encoder_of
        self._device = device
        self._metrics = metrics
        self._device_turn = asyncio.Lock()

    async def __call__(self, claim: BatchClaim) -> None:
        """Read, embed, write; the last batch ends the job."""
        started = time.perf_counter()
        request = ComputeEmbeddings.read(claim.job_payload, operation=claim.operation)
        payload = BatchPayload.model_validate(claim.payload)
        config, sequences = await self._read(request.embedding_config_id, payload.sequence_ids)
        read = time.perf_counter()
        async with self._device_turn:
            waited = time.perf_counter() - read
            embedded = await self._device.embed(sequences, await self._encoder_of(config), config.recipe)
        async with self._unit_of_work() as work:
            await guard_batch(work, claim)
            vectors_written = await _write(work, embedded.rows, config, replace=not request.skip_existing)
            done = _done(claim, config, sequences, seconds=time.perf_counter() - started - waited)
            counts = {
                "sequences": done.sequences,
                "residues": done.residues,
                "vectors_written": vectors_written,
                "truncated": embedded.truncated,
                "in_windows": embedded.in_windows,
            }
            if await complete_batch(work, claim, done, counts=counts) == 0:
                totals = await EmbeddingStore(work.session).totals(claim.job_id)
                result = job_result(config.id, totals, skipped_existing=payload.skipped_existing)
                await succeed_job(work, claim.job_id, result=result)
        seconds = time.perf_counter() - started - waited
        self._metrics.embeddings_batch_seconds.labels(backend=config.recipe.model_backend).observe(seconds)

    async def _read(
        self, config_id: UUID, sequence_ids: Sequence[int]
    ) -> tuple[EmbeddingConfig, Sequence[NamedSequence]]:
        async with self._unit_of_work() as work:
            config = await ConfigStore(work.session).get(config_id)
            return config, await SequenceStore(work.session).read(sequence_ids)


async def _write(work: UnitOfWork, rows: StoredVectors, config: EmbeddingConfig, *, replace: bool) -> int:
    """Write the vectors and, with the first of them, what their length is; give the number of rows changed."""
    await ConfigStore(work.session).learn_dimension(config, rows.vectors.shape[1])
    return await EmbeddingStore(work.session).write(rows, config=config, replace=replace)


def _done(
    claim: BatchClaim, config: EmbeddingConfig, sequences: Sequence[NamedSequence], *, seconds: float
) -> EmbeddingsBatchDone:
    return EmbeddingsBatchDone(
        job_id=claim.job_id,
        batch_index=claim.batch_index,
        seconds=seconds,
        embedding_config_id=config.id,
        sequences=len(sequences),
        residues=sum(len(sequence.residues) for sequence in sequences),
    )
