"""Running an encoder on the device's thread: batches under a budget, halved when one does not fit."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from protea_common.telemetry import MetricRegistry, work_span
from protea_embedder.adapters.storage import NamedSequence
from protea_embedder.domain.batching import plan_batches
from protea_embedder.domain.encoder import DeviceOutOfMemoryError, Encoder, ResidueEncoder, SpanEncoder
from protea_embedder.domain.recipe import EmbeddingRecipe
from protea_embedder.domain.spans import SpanVectors
from protea_embedder.domain.stored_vectors import StoredVectors, to_half_precision
from protea_embedder.domain.token_budget import TokenBudget
from protea_embedder.usecases.lookahead import Lookahead

__all__ = ["DeviceRunner", "Embedded", "WriteResidues"]

Result = TypeVar("Result")

WriteResidues = Callable[[NamedSequence, NDArray[np.float16]], None]
"""Takes a sequence and the vectors of its residues, shape ``(residues that are seen, D)``."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """What came of a batch message.

    Attributes
    ----------
    rows
        The vectors.
    truncated, in_windows
        Sequences of which the model saw only the start; and those seen part by part, see `SpanVectors`.
    """

    rows: StoredVectors
    truncated: int
    in_windows: int


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What one run gave: which sequences, shape ``(n,)``; their spans; the vectors in half precision, ``(m, D)``."""

    chosen: NDArray[np.int64]
    spans: SpanVectors
    halves: NDArray[np.float16]


class DeviceRunner:
    """Computes the vectors of sequences, whatever their number and lengths.

    Parameters
    ----------
    executor
        The device's one thread.
    budget
        What it computes at once, unless the encoder knows better.
    metrics
        Where the device's time is counted.
    """

    def __init__(self, *, executor: Executor, budget: TokenBudget, metrics: MetricRegistry) -> None:
        self._executor = executor
        self._budget = budget
        self._budgets: dict[EmbeddingRecipe, TokenBudget] = {}
        self._metrics = metrics

    async def embed(self, sequences: Sequence[NamedSequence], encoder: Encoder, recipe: EmbeddingRecipe) -> Embedded:
        """Embed sequences.

        Raises
        ------
        DeviceOutOfMemoryError
            If not even a part of one sequence fits the device.
        HalfPrecisionOverflowError
            If a value is too great to be stored.
        """

        def prepare(chosen: NDArray[np.int64]) -> Callable[[], _Part]:
            compute = _prepare_spans(encoder, [sequences[index].residues for index in chosen])
            return lambda: _part(chosen, compute(), recipe)

        lengths = np.array([len(sequence.residues) for sequence in sequences], dtype=np.int64)
        seen = np.minimum(lengths, _limit(encoder))
        parts = await self._run(seen, encoder, recipe, prepare=prepare)
        chosen = _concatenated([part.chosen[part.spans.rows] for part in parts], np.int64)
        ends = _concatenated([part.spans.ends for part in parts], np.int32)
        starts = _concatenated([part.spans.starts for part in parts], np.int32)
        rows = StoredVectors(
            sequence_ids=np.array([sequence.id for sequence in sequences], dtype=np.int64)[chosen],
            chunk_starts=starts,
            chunk_ends=ends if recipe.use_chunking else None,
            residues=ends - starts,
            truncated=(lengths > seen)[chosen],
            vectors=np.concatenate([np.empty((0, encoder.dimension), np.float16), *(part.halves for part in parts)]),
        )
        in_windows = sum(len(part.spans.in_windows) for part in parts)
        return Embedded(rows, truncated=int((lengths > seen).sum()), in_windows=in_windows)

    async def embed_residues(
        self,
        sequences: Sequence[NamedSequence],
        encoder: ResidueEncoder,
        recipe: EmbeddingRecipe,
        *,
        write: WriteResidues,
    ) -> None:
        """Embed the residues of sequences, and write what each run gives on the device's thread.

        Raises
        ------
        DeviceOutOfMemoryError, HalfPrecisionOverflowError
            As `embed` does.
        """

        def prepare(chosen: NDArray[np.int64]) -> Callable[[], None]:
            compute = encoder.prepare_residues([sequences[index].residues for index in chosen])

            def run() -> None:
                for index, vectors in zip(chosen, compute(), strict=True):
                    write(sequences[index], to_half_precision(vectors, embedding_scale=recipe.embedding_scale))

            return run

        lengths = np.array([len(sequence.residues) for sequence in sequences], dtype=np.int64)
        await self._run(np.minimum(lengths, _limit(encoder)), encoder, recipe, prepare=prepare)

    async def _run(
        self,
        lengths: NDArray[np.int64],
        encoder: Encoder,
        recipe: EmbeddingRecipe,
        *,
        prepare: Callable[[NDArray[np.int64]], Callable[[], Result]],
    ) -> list[Result]:
        """Compute batch by batch, one call of the device's thread each: between two a lost lease stops the work."""
        loop = asyncio.get_running_loop()
        parts: list[Result] = []
        budget = self._budget_of(encoder, recipe)
        batches = Lookahead(prepare, _plan(lengths, np.arange(len(lengths), dtype=np.int64), budget))
        while batches:
            chosen, compute = await batches.take()
            try:
                with self._on_device(recipe.model_backend, lengths[chosen]):
                    parts.append(await loop.run_in_executor(self._executor, compute))
            except DeviceOutOfMemoryError:
                if len(chosen) == 1:
                    raise
                budget.shrink_below(int(lengths[chosen].max()) * len(chosen))
                logger.warning("a batch did not fit the device", extra={"batch_tokens": budget.tokens})
                batches = Lookahead(prepare, _plan(lengths, np.concatenate([chosen, *batches.waiting]), budget))
        return parts

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

    def _budget_of(self, encoder: Encoder, recipe: EmbeddingRecipe) -> TokenBudget:
        """Give the budget of a recipe, which stays small once a batch did not fit."""
        if recipe not in self._budgets:
            tokens = encoder.batch_tokens if isinstance(encoder, SpanEncoder) else self._budget.tokens
            self._budgets[recipe] = TokenBudget(tokens, self._budget.sequences)
        return self._budgets[recipe]


def _plan(lengths: NDArray[np.int64], which: NDArray[np.int64], budget: TokenBudget) -> list[NDArray[np.int64]]:
    batches = plan_batches(lengths[which], batch_tokens=budget.tokens, max_sequences=budget.sequences)
    return [which[batch] for batch in batches]


def _limit(encoder: Encoder) -> int:
    """Residues of a sequence that an encoder sees at most."""
    limit = encoder.max_residues if isinstance(encoder, SpanEncoder) else None
    return np.iinfo(np.int64).max if limit is None else limit


def _prepare_spans(encoder: Encoder, residues: Sequence[str]) -> Callable[[], SpanVectors]:
    return encoder.prepare_spans(residues) if isinstance(encoder, SpanEncoder) else partial(_whole, encoder, residues)


def _part(chosen: NDArray[np.int64], spans: SpanVectors, recipe: EmbeddingRecipe) -> _Part:
    return _Part(chosen, spans, to_half_precision(spans.vectors, embedding_scale=recipe.embedding_scale))


def _whole(encoder: Encoder, residues: Sequence[str]) -> SpanVectors:
    return SpanVectors(
        rows=np.arange(len(residues), dtype=np.int64),
        starts=np.zeros(len(residues), dtype=np.int32),
        ends=np.array([len(sequence) for sequence in residues], dtype=np.int32),
        vectors=encoder.encode(residues),
    )


def _concatenated(parts: Sequence[NDArray[np.generic]], dtype: type[np.int64 | np.int32]) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype=dtype), *parts])
