"""The device's runner: every sequence gets its vector, and a device that is too small gets smaller batches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from protea_common.telemetry.metrics import build_metric_registry
from protea_embedder.adapters.storage import NamedSequence
from protea_embedder.domain.batching import plan_batches
from protea_embedder.domain.encoder import DeviceOutOfMemoryError
from protea_embedder.domain.recipe import EmbeddingRecipe
from protea_embedder.domain.spans import SpanVectors
from protea_embedder.domain.token_budget import TokenBudget
from protea_embedder.usecases.device import DeviceRunner
from support.proteins import random_proteins

RECIPE = EmbeddingRecipe(model_name="small")
SEQUENCES = [NamedSequence(number, residues) for number, residues in enumerate(random_proteins(40))]


class SmallDevice:
    """A `SpanEncoder` that tells lengths, on a device that holds so many tokens."""

    dimension = 1
    max_residues = 300
    batch_tokens = 4_000

    def __init__(self, *, holds: int) -> None:
        self._holds = holds
        self.refused: list[int] = []
        self.computed: list[int] = []

    def encode(self, sequences: Sequence[str]) -> NDArray[np.float32]:
        return self.prepare_spans(sequences)().vectors

    def prepare_spans(self, sequences: Sequence[str]) -> Callable[[], SpanVectors]:
        return lambda: self._compute(sequences)

    def _compute(self, sequences: Sequence[str]) -> SpanVectors:
        lengths = np.minimum([len(sequence) for sequence in sequences], self.max_residues)
        tokens = int(lengths.max()) * len(lengths)
        if tokens > self._holds:
            self.refused.append(tokens)
            raise DeviceOutOfMemoryError("full")
        self.computed.append(tokens)
        return SpanVectors(
            rows=np.arange(len(lengths)),
            starts=np.zeros(len(lengths), dtype=np.int32),
            ends=lengths.astype(np.int32),
            vectors=lengths.astype(np.float32)[:, np.newaxis],
        )


class PatientDevice(SmallDevice):
    """Computes a batch only once the next one is ready, which it never is if its spelling waits for the device."""

    def __init__(self) -> None:
        super().__init__(holds=10**9)
        self._ready = threading.Semaphore(0)
        self._left = 0
        self.ahead: list[int] = []

    def expect(self, batches: int) -> None:
        self._left = batches

    def prepare_spans(self, sequences: Sequence[str]) -> Callable[[], SpanVectors]:
        self._ready.release()
        self.ahead.append(len(self.computed))
        return super().prepare_spans(sequences)

    def _compute(self, sequences: Sequence[str]) -> SpanVectors:
        self._left -= 1
        if not self.computed:
            self._take()  # its own
        if self._left:
            self._take()
        return super()._compute(sequences)

    def _take(self) -> None:
        assert self._ready.acquire(timeout=20), "nothing was made ready while the device computed"


@pytest.fixture
def runner() -> Iterator[DeviceRunner]:
    with ThreadPoolExecutor(1) as executor:
        yield DeviceRunner(executor=executor, budget=TokenBudget(100_000, 256), metrics=build_metric_registry())


async def test_a_batch_that_does_not_fit_is_halved_until_it_does(runner: DeviceRunner) -> None:
    device = SmallDevice(holds=900)

    embedded = await runner.embed(SEQUENCES, device, RECIPE)

    seen = {sequence.id: min(len(sequence.residues), 300) for sequence in SEQUENCES}
    rows = embedded.rows
    found = dict(zip(rows.sequence_ids.tolist(), rows.vectors[:, 0].tolist(), strict=True))
    assert found == seen
    assert 1 <= len(device.refused) <= 3
    assert max(device.computed) <= 900


async def test_later_batches_stay_small(runner: DeviceRunner) -> None:
    device = SmallDevice(holds=900)
    await runner.embed(SEQUENCES, device, RECIPE)
    device.refused.clear()

    await runner.embed(SEQUENCES, device, RECIPE)

    assert device.refused == []


async def test_an_encoder_that_knows_better_sets_the_budget(runner: DeviceRunner) -> None:
    device = SmallDevice(holds=10**9)

    await runner.embed(SEQUENCES, device, RECIPE)

    assert 2_000 < max(device.computed) <= 4_000


async def test_a_sequence_that_does_not_fit_alone_is_told(runner: DeviceRunner) -> None:
    with pytest.raises(DeviceOutOfMemoryError):
        await runner.embed(SEQUENCES, SmallDevice(holds=100), RECIPE)


async def test_what_is_not_seen_is_counted_and_marked(runner: DeviceRunner) -> None:
    embedded = await runner.embed(SEQUENCES, SmallDevice(holds=10**9), RECIPE)

    longer = {sequence.id for sequence in SEQUENCES if len(sequence.residues) > 300}
    rows = embedded.rows
    assert embedded.truncated == len(longer) > 0
    assert set(rows.sequence_ids[rows.truncated].tolist()) == longer


async def test_the_next_batch_is_made_ready_while_one_is_computed_and_none_beyond_it(runner: DeviceRunner) -> None:
    lengths = np.array([min(len(sequence.residues), 300) for sequence in SEQUENCES])
    batches = len(plan_batches(lengths, batch_tokens=4_000, max_sequences=256))
    device = PatientDevice()
    device.expect(batches)

    await runner.embed(SEQUENCES, device, RECIPE)

    assert batches > 2
    assert len(device.computed) == batches
    # How many batches were computed when each was made ready: never more than one ahead.
    assert device.ahead == [0, *range(batches - 1)]


async def test_no_sequences_are_no_rows(runner: DeviceRunner) -> None:
    embedded = await runner.embed([], SmallDevice(holds=1), RECIPE)

    assert embedded.rows.vectors.shape == (0, 1)
