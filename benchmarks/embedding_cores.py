"""Both cores, for ``embedding.py``: two of our processes of one thread, one of two threads, and the plain loop.

    python benchmarks/embedding_cores.py MODEL_FOLDER PROTEINS.txt PART PARTS THREADS ours|loop

is one of these processes: it embeds its share for each line that it reads, and answers ``done``.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from embedding_ways import Loop, Ours
from transformers.utils import logging

ROUNDS, ROUND_SECONDS = 5, 75.0


@dataclass(frozen=True, slots=True)
class TwoCores:
    """Two of our processes of one thread each.

    Attributes
    ----------
    processes
        Residues per second.
    own_ratio, loop_ratio
        How many times quicker they are than ourselves and than the plain loop on two threads, medians over rounds.
    rounds
        How often all were run in turn.
    """

    processes: float
    own_ratio: float
    loop_ratio: float
    rounds: int


def two_processes(folder: Path, proteins: Sequence[str]) -> TwoCores:
    """Measure both cores, by wall time."""
    path = folder.parent / "proteins.txt"
    path.write_text("\n".join(proteins))
    halves = [_Worker(folder, path, part=part, parts=2, threads=1) for part in range(2)]
    whole = _Worker(folder, path, part=0, parts=1, threads=2)
    loop = _Worker(folder, path, part=0, parts=1, threads=2, way="loop")
    for worker in (*halves, whole, loop):
        worker.wait()  # until its model is loaded
        _together([worker])  # what a shape costs when it is met first is no part of the speed
    rounds = list(_rounds(lambda: (_together(halves), _together([whole]), _together([loop]))))
    for worker in (*halves, whole, loop):
        worker.close()
    residues = sum(map(len, proteins))
    processes, threads, loop_threads = zip(*rounds, strict=True)
    return TwoCores(
        processes=residues / statistics.median(processes),
        own_ratio=statistics.median(two / one for one, two in zip(processes, threads, strict=True)),
        loop_ratio=statistics.median(two / one for one, two in zip(processes, loop_threads, strict=True)),
        rounds=len(rounds),
    )


def _rounds(run: Callable[[], tuple[float, ...]]) -> Iterator[tuple[float, ...]]:
    """Run a few times, at least once; a machine with other work is not waited for."""
    began = time.perf_counter()
    for _ in range(ROUNDS):
        yield run()
        if time.perf_counter() - began > ROUND_SECONDS:
            return


def _together(workers: Sequence[_Worker]) -> float:
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.wait()
    return time.perf_counter() - began


class _Worker:
    """A process of the script, which embeds its share whenever it is told to."""

    def __init__(self, folder: Path, proteins: Path, *, part: int, parts: int, threads: int, way: str = "ours") -> None:
        arguments = [str(folder), str(proteins), str(part), str(parts), str(threads), way]
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        self._process = subprocess.Popen(
            [sys.executable, __file__, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def start(self) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def wait(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        if self._process.stdout.readline() != "done\n":
            raise SystemExit("a worker ended early")

    def close(self) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        self._process.stdin.close()
        self._process.wait()


def deal(proteins: Sequence[str], *, part: int, parts: int) -> list[str]:
    """Deal proteins out by length, forth and back, so that all have the same work."""
    hands: list[list[str]] = [[] for _ in range(parts)]
    for number, protein in enumerate(sorted(proteins, key=len, reverse=True)):
        turn, place = divmod(number, parts)
        hands[place if turn % 2 == 0 else parts - 1 - place].append(protein)
    return hands[part]


def work(arguments: Sequence[str]) -> None:
    """Be a worker, told what by the arguments of `_Worker`."""
    folder, proteins, part, parts, threads, way = arguments
    torch.set_num_threads(int(threads))
    ours: Callable[[Sequence[str]], object] = (
        Ours(Path(folder), threads=int(threads)) if way == "ours" else Loop(Path(folder), dtype=torch.float32, batch=1)
    )
    mine = deal(Path(proteins).read_text().split(), part=int(part), parts=int(parts))
    ours(mine[:2])
    print("done", flush=True)
    for _ in sys.stdin:
        ours(mine)
        print("done", flush=True)


if __name__ == "__main__":
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    work(sys.argv[1:])
