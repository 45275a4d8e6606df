"""A day of a GPU pool under the autoscaler's numbers, simulated: up to ten million sequences.

    .venv/bin/python benchmarks/autoscaling_sim.py [--json] [--chart FILE.svg]

Jobs arrive at random, more by day than by night, most of them small, some whole proteomes, and one night's load of an
archive. The pods, their start and their drain, and KEDA's decisions are simulated by event; policies see the same day.
It shows what the numbers in the manifests do, not what a cluster does.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from autoscaling_chart import draw
from autoscaling_model import Outcome, Pool, simulate
from autoscaling_policy import Policy

__all__ = ["main", "requests_of_a_day"]

DAY: Final = 86_400.0
BATCH_SEQUENCES: Final = 2_048
"""Some 35 sequences a second make a minute of it, as the manifests assume."""

MANIFESTS: Final = Policy()
POLICIES: Final = {
    "manifests": MANIFESTS,
    "ready messages only": replace(MANIFESTS, counts_unacknowledged=False, age_seconds_per_pod=0.0),
    "no age trigger": replace(MANIFESTS, age_seconds_per_pod=0.0),
    "one message a pod": replace(MANIFESTS, messages_per_pod=1.0),
    "sixteen messages a pod": replace(MANIFESTS, messages_per_pod=16.0),
    "no stabilisation": replace(MANIFESTS, stabilisation_seconds=0.0, cooldown_seconds=30.0, shrink_share=1.0),
    "always eight pods": replace(MANIFESTS, minimum=8),
}
CHARTED: Final = ("manifests", "no stabilisation")
DAYS: Final = (100_000, 1_000_000, 10_000_000)
SHORT_GRACE: Final = 30.0
"""Kubernetes' own default, half of a batch."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A day in numbers: waits in seconds, and hours of pods."""

    median_wait: float
    p95_wait: float
    longest_wait: float
    pod_hours: float
    ended_busy: int
    repeated: int

    @classmethod
    def of(cls, outcome: Outcome) -> Figures:
        """Sum an outcome up."""
        waits = sorted(outcome.waits)
        return cls(
            median_wait=statistics.median(waits),
            p95_wait=waits[math.ceil(0.95 * len(waits)) - 1],
            longest_wait=waits[-1],
            pod_hours=outcome.pod_seconds / 3600,
            ended_busy=outcome.ended_busy,
            repeated=outcome.repeated,
        )


def requests_of_a_day(sequences: int, *, seed: int = 0) -> list[float]:
    """Draw when each batch of a day is requested.

    Parameters
    ----------
    sequences
        Of the day: four tenths in one job at two in the morning, the rest in jobs of random size, by day mostly.

    Returns
    -------
    requests
        Seconds since midnight, ascending; a job's batches are requested together.
    """
    rng = np.random.default_rng(seed)
    batches = max(1, sequences // BATCH_SEQUENCES)
    archive = int(0.4 * batches)
    requests = [2 * 3600.0] * archive
    while len(requests) < batches:
        size = min(int(rng.lognormal(0.0, 1.5)) + 1, batches - len(requests))
        requests.extend([_by_day(rng)] * size)
    return sorted(requests)


def _by_day(rng: np.random.Generator) -> float:
    """Draw a time of day; at two in the afternoon nine times as many jobs come as at two at night."""
    while True:
        time = float(rng.uniform(0, DAY))
        share = 0.5 - 0.4 * math.cos(2 * math.pi * (time / DAY - 2 / 24))
        if rng.uniform(0, 0.9) < share:
            return time


def _line(name: str, figures: Figures) -> str:
    return (
        f"{name:<26} {figures.median_wait:>8.0f} {figures.p95_wait:>8.0f} {figures.longest_wait:>8.0f} "
        f"{figures.pod_hours:>10.1f} {figures.ended_busy:>11,} {figures.repeated:>9,}"
    )


def _compare(requests: Sequence[float]) -> dict[str, tuple[Outcome, Figures]]:
    outcomes = {name: simulate(requests, pool=Pool(), policy=policy) for name, policy in POLICIES.items()}
    outcomes["grace of 30 s"] = simulate(requests, pool=Pool(grace_seconds=SHORT_GRACE), policy=MANIFESTS)
    return {name: (outcome, Figures.of(outcome)) for name, outcome in outcomes.items()}


def main() -> None:
    """Print a table for each day, draw the greatest one and, with ``--json``, end with its figures."""
    arguments = _arguments()
    compared: dict[str, tuple[Outcome, Figures]] = {}
    for sequences in DAYS:
        compared = _compare(requests_of_a_day(sequences))
        print(f"\n{sequences:,} sequences a day, {sequences // BATCH_SEQUENCES:,} batches of a minute")
        print(f"{'':<26} {'median':>8} {'95 %':>8} {'longest':>8} {'pod hours':>10} {'ended busy':>11} {'repeated':>9}")
        print(f"{'':<26} {'wait, s':>8} {'wait, s':>8} {'wait, s':>8}")
        for name, (_, figures) in compared.items():
            print(_line(name, figures))
    if arguments.chart:
        days = {name: compared[name][0].samples for name in CHARTED}
        arguments.chart.write_text(draw(days, title=f"{DAYS[-1]:,} sequences in a day, simulated"), encoding="utf-8")
        print(f"\n{arguments.chart}: queue age and pods over the day")
    if arguments.json:
        ours, fixed = compared["manifests"][1], compared["always eight pods"][1]
        line = {
            "median_wait_seconds": round(ours.median_wait, 1),
            "p95_wait_seconds": round(ours.p95_wait, 1),
            "pod_hours": round(ours.pod_hours, 1),
            "pod_hours_ratio": round(ours.pod_hours / fixed.pod_hours, 3),
            "repeated_batches": ours.repeated,
        }
        print(json.dumps(line))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Simulated days of a worker pool under several autoscaler policies.")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--chart", type=Path, help="write an SVG of the greatest day here")
    return parser.parse_args()


if __name__ == "__main__":
    main()
