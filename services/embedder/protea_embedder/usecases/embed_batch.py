"""A worker's part of ``compute_embeddings``: the sequences of one batch into vectors in the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from protea_common.db import UnitOfWork
from protea_common.events import EmbeddingsBatchDone
from protea_common.jobs import BatchClaim, complete_batch, guard_batch, succeed_job
from protea_common.operations import ComputeEmbeddings
from protea_common.telemetry import MetricRegistry, work_span
from protea_embedder.adapters.storage import ConfigStore, EmbeddingStore, NamedSequence, SequenceStore
from protea_embedder.domain.batching import plan_batches
from protea_embedder.domain.embedding_config import EmbeddingConfig
from protea_embedder.domain.encoder import Encoder
from protea_embedder.domain.stored_vectors import StoredVectors, to_half_precision
from protea_embedder.usecases.batch_payload import BatchPayload, job_result

__all__ = ["DeviceLimits", "EmbedBatch", "EncoderOf"]

EncoderOf = Callable[[EmbeddingConfig], Awaitable[Encoder]]
"""Gives the encoder of a recipe, ready to compute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLimits:
    """How much the device computes at once.

    Attributes
    ----------
    batch_tokens
        Most that the longest sequence times the number of sequences may be.
    batch_sequences
        Most sequences.
    """

    batch_tokens: int
    batch_sequences: int


class EmbedBatch:
    """Use case of ``embeddings.batch.requested``.

    Several batches may run at once: one has the device, whole, while others are read or written.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    encoder_of
        Gives the encoder of a recipe.
    executor
        The device's one thread.
    limits
        What the device computes at once.
    metrics
        Where the time of a batch is counted.
    """

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        encoder_of: EncoderOf,
        executor: Executor,
        limits: DeviceLimits,
        metrics: MetricRegistry,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._encoder_of = encoder_of
        self._executor = executor
        self._limits = limits
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
            rows = await self._embed(sequences, config)
        async with self._unit_of_work() as work:
            await guard_batch(work, claim)
            vectors_written = await _write(work, rows, config, replace=not request.skip_existing)
            done = _done(claim, config, rows, seconds=time.perf_counter() - started - waited)
            counts = {"sequences": done.sequences, "residues": done.residues, "vectors_written": vectors_written}
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

    async def _embed(self, sequences: Sequence[NamedSequence], config: EmbeddingConfig) -> StoredVectors:
        encoder = await self._encoder_of(config)
        loop = asyncio.get_running_loop()
        lengths = np.array([len(sequence.residues) for sequence in sequences], dtype=np.int64)
        vectors = np.empty((len(sequences), encoder.dimension), dtype=np.float16)
        # One call of the device's thread a planned batch: between two of them a lost lease stops the work.
        for chosen in plan_batches(
            lengths, batch_tokens=self._limits.batch_tokens, max_sequences=self._limits.batch_sequences
        ):
            residues = [sequences[index].residues for index in chosen]
            with self._on_device(config.recipe.model_backend, lengths[chosen]):
                scale = config.recipe.embedding_scale
                vectors[chosen] = await loop.run_in_executor(self._executor, _encode, encoder, residues, scale)
        ids = np.array([sequence.id for sequence in sequences], dtype=np.int64)
        return StoredVectors(sequence_ids=ids, residues=lengths.astype(np.int32), vectors=vectors)

    @contextmanager
    def _on_device(self, backend: str, lengths: NDArray[np.int64]) -> Iterator[None]:
        """Span and count what the device computes at once; failed or not, it was busy."""
        tokens = int(lengths.max()) * len(lengths)
        began = time.perf_counter()
        try:
            with work_span("encode", {"protea.backend": backend, "protea.batch.tokens": tokens}):
                yield
        finally:
            self._metrics.device_busy_seconds_total.labels(backend=backend).inc(time.perf_counter() - began)
        self._metrics.embeddings_batch_tokens.labels(backend=backend).observe(tokens)
        self._metrics.embeddings_residues_total.labels(backend=backend).inc(int(lengths.sum()))


def _encode(encoder: Encoder, residues: Sequence[str], embedding_scale: float) -> NDArray[np.float16]:
    return to_half_precision(encoder.encode(residues), embedding_scale=embedding_scale)


async def _write(work: UnitOfWork, rows: StoredVectors, config: EmbeddingConfig, *, replace: bool) -> int:
    """Write the vectors and, with the first of them, what their length is; give the number of rows changed."""
    await ConfigStore(work.session).learn_dimension(config, rows.vectors.shape[1])
    return await EmbeddingStore(work.session).write(rows, config=config, replace=replace)


def _done(claim: BatchClaim, config: EmbeddingConfig, rows: StoredVectors, *, seconds: float) -> EmbeddingsBatchDone:
    return EmbeddingsBatchDone(
        job_id=claim.job_id,
        batch_index=claim.batch_index,
        seconds=seconds,
        embedding_config_id=config.id,
        sequences=len(rows.sequence_ids),
        residues=int(rows.residues.sum()),
    )
