from __future__ import annotations

import pytest

from protea_embedder.domain.encoder import DeviceOutOfMemoryError
from protea_embedder.domain.probe import PROBE_RESIDUES, tune_batch_tokens, tune_threads


class Device:
    """A device with a clock of its own: a batch costs so much to start, and so much a protein."""

    def __init__(self, *, start: float, protein: float, holds: int = 10**9) -> None:
        self._start = start
        self._protein = protein
        self._holds = holds
        self.now = 0.0
        self.largest = 0

    def run(self, proteins: int) -> None:
        if proteins > self._holds:
            raise DeviceOutOfMemoryError("full")
        self.largest = max(self.largest, proteins)
        self.now += self._start + self._protein * proteins

    def clock(self) -> float:
        return self.now


def tuned(device: Device, *, limit_seconds: float = 1e18) -> int:
    return tune_batch_tokens(device.run, smallest=512, largest=131_072, limit_seconds=limit_seconds, clock=device.clock)


def test_a_device_that_gains_nothing_from_more_gets_the_smallest() -> None:
    assert tuned(Device(start=0.0, protein=1.0)) == 512


def test_a_batch_grows_as_long_as_a_doubling_pays() -> None:
    # Per protein 10/n + 1 seconds: from 128 to 256 proteins 1.078 to 1.039, which is less than 5 % better.
    assert tuned(Device(start=10.0, protein=1.0)) == 512 * 64
    assert 512 * 64 // PROBE_RESIDUES == 129


def test_a_batch_that_does_not_fit_is_not_chosen() -> None:
    assert tuned(Device(start=1e6, protein=1.0, holds=20)) == 4_096


def test_the_greatest_is_the_limit() -> None:
    assert tuned(Device(start=1e9, protein=1.0)) == 131_072


@pytest.mark.parametrize("limit_seconds", [0.0, 5.0])
def test_a_slow_device_is_not_tried_for_long(limit_seconds: float) -> None:
    device = Device(start=100.0, protein=1.0)

    assert tuned(device, limit_seconds=limit_seconds) == 512
    assert device.largest == 2


class Cores:
    """A processor with a clock of its own, whose work on ``n`` threads takes ``seconds[n]``."""

    def __init__(self, seconds: dict[int, float]) -> None:
        self._seconds = seconds
        self.now = 0.0
        self.tried: list[int] = []

    def run(self, threads: int) -> None:
        self.tried.append(threads)
        self.now += self._seconds[threads]

    def clock(self) -> float:
        return self.now


def threads_of(cores: Cores, *, most: int, limit_seconds: float = 1e18) -> int:
    return tune_threads(cores.run, most=most, limit_seconds=limit_seconds, clock=cores.clock)


def test_threads_are_doubled_as_long_as_that_pays() -> None:
    # Two are 1.8 times as quick as one, four 1.5 times as quick as two, eight only 1.1 times as quick as four.
    assert threads_of(Cores({1: 9.0, 2: 5.0, 4: 3.3, 8: 3.0}), most=8) == 4


def test_a_busy_neighbour_leaves_one_thread() -> None:
    assert threads_of(Cores({1: 9.0, 2: 45.0}), most=2) == 1


def test_no_more_threads_than_cores_are_tried() -> None:
    cores = Cores({1: 9.0, 2: 4.6})

    assert threads_of(cores, most=3) == 2
    assert set(cores.tried) == {1, 2}


def test_threads_are_not_tried_for_long() -> None:
    cores = Cores({1: 9.0})

    assert threads_of(cores, most=64, limit_seconds=5.0) == 1
    assert set(cores.tried) == {1}
