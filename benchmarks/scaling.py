"""Throughput of 1, 2 and 4 embedder worker processes through a real RabbitMQ and a real PostgreSQL.

    .venv/bin/python benchmarks/scaling.py [--json]

The device is a stand-in that takes 200 ms a batch of 64 sequences; all else is the service itself, the COPY of 64
vectors of 1,024 dimensions included. Start-up is not counted: the clock runs from when each worker has had a batch to
the last one.
A run whose vectors are not in the database exactly once each ends with an error.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from folders import traversable_folder
from scaling_cluster import open_cluster
from scaling_job import BATCH_SEQUENCES, Outcome, add_sequences, run_job

__all__ = ["Run", "main", "medians", "plan", "ratios", "throughput"]

WORKERS: Final = (1, 2, 4)
NAMES: Final = {2: "two_workers_ratio", 4: "four_workers_ratio"}


@dataclass(frozen=True, slots=True)
class Run:
    """One job by so many workers, its throughput in batches per second."""

    workers: int
    throughput: float
    batches_by_worker: tuple[int, ...]


def plan(rounds: int) -> list[int]:
    """Give the number of workers of each run, up and down by turns, so that a drift of the machine favours none."""
    return [workers for number in range(rounds) for workers in WORKERS[:: 1 if number % 2 == 0 else -1]]


def throughput(done_seconds: Sequence[float], *, workers: int) -> float:
    """Batches per second in steady state.

    Parameters
    ----------
    done_seconds
        When each batch was done, ascending; more of them than workers.
    workers
        The clock starts when so many batches are done. From the very first one it would count batches that were under
        way when it started, and flatter many workers.
    """
    return (len(done_seconds) - workers) / (done_seconds[-1] - done_seconds[workers - 1])


def medians(runs: Sequence[Run]) -> dict[int, float]:
    """Median throughput by number of workers."""
    return {count: statistics.median(run.throughput for run in runs if run.workers == count) for count in WORKERS}


def ratios(by_workers: Mapping[int, float]) -> dict[str, float]:
    """How many times the throughput of one worker several have."""
    return {name: by_workers[count] / by_workers[1] for count, name in NAMES.items()}


async def measure(folder: Path, *, rounds: int, batches: int, device_seconds: float) -> list[Run]:
    """Run all jobs, printing a line for each; ``batches`` is the number of batches per worker."""
    runs: list[Run] = []
    async with open_cluster(folder, device_seconds=device_seconds) as cluster:
        await add_sequences(cluster.platform, max(WORKERS) * batches * BATCH_SEQUENCES)
        async with cluster.coordinator():
            for workers in plan(rounds):
                async with cluster.workers(workers):
                    outcome = await run_job(cluster.platform, batches=workers * batches)
                runs.append(_told(workers, outcome, device_seconds=device_seconds))
    return runs


def _told(workers: int, outcome: Outcome, *, device_seconds: float) -> Run:
    run = Run(workers, throughput(outcome.done_seconds, workers=workers), outcome.batches_by_worker)
    busy = run.throughput * device_seconds / workers
    shares = " + ".join(map(str, run.batches_by_worker))
    print(f"{workers:>7} {run.throughput:>10.2f} {busy:>12.1%}  {shares}", flush=True)
    return run


def main() -> None:
    """Print a line per run, the medians and the ratios."""
    arguments = _arguments()
    print(f"{'workers':>7} {'batches/s':>10} {'device busy':>12}  batches by worker")
    with traversable_folder("protea-scaling-") as folder:
        runs = asyncio.run(
            measure(folder, rounds=arguments.rounds, batches=arguments.batches, device_seconds=arguments.device_seconds)
        )
    by_workers = medians(runs)
    print("\nmedian batches/s: " + ", ".join(f"{count}: {value:.2f}" for count, value in by_workers.items()))
    for ratio, value in ratios(by_workers).items():
        print(f"{ratio}: {value:.3f}")
    if arguments.json:
        per_second = {str(count): round(value, 3) for count, value in by_workers.items()}
        rounded = {ratio: round(value, 3) for ratio, value in ratios(by_workers).items()}
        print(json.dumps({"batches_per_second": per_second, **rounded}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Throughput of 1, 2 and 4 embedder workers.")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each number of workers (default: 3)")
    parser.add_argument("--batches", type=int, default=40, help="batches per worker in a run (default: 40)")
    parser.add_argument(
        "--device-seconds", type=float, default=0.2, help="time of a batch on the device (default: 0.2)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
