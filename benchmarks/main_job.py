"""The main job on the fly set, step by step: seconds and peak memory of the laptop edition.

    .venv/bin/python benchmarks/main_job.py [--json]

It runs the demo's own steps in a fresh folder. Memory is counted over this process and all its children (PostgreSQL and
cafaeval) as proportional set size, so that shared pages count once. The last line of ``--json`` is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil
from folders import traversable_folder
from rich.console import Console

from protea_cli.client import ProteaClient
from protea_cli.demo.data import DemoData
from protea_cli.demo.run import run_demo
from protea_cli.progress import Step, Steps
from protea_standalone.edition import free_port, open_laptop_edition

DATA = Path(__file__).parents[1] / "demo" / "data"

SAMPLING_SECONDS = 0.5
"""Pause between two looks at the memory: reading it costs some ten milliseconds a large process."""

MEBIBYTE = 1024 * 1024


class PeakMemory:
    """Looks at the memory of this process and its children while the block runs."""

    def __init__(self) -> None:
        self.bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.bytes = max(self.bytes, _memory())

    def _watch(self) -> None:
        while not self._stop.wait(SAMPLING_SECONDS):
            self.bytes = max(self.bytes, _memory())


def _memory() -> int:
    """Proportional set size of the process tree, in bytes; a process that ends meanwhile counts nothing."""
    this = psutil.Process()
    total = 0
    for process in [this, *this.children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total


@dataclass(frozen=True, slots=True)
class Figures:
    """What one step took."""

    title: str
    seconds: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class MeasuredSteps(Steps):
    """The demo's steps, and what each took."""

    figures: list[Figures] = field(default_factory=list)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show and measure a step."""
        began = time.perf_counter()
        with PeakMemory() as peak, Steps.step(self, title) as step:
            yield step
        self.figures.append(Figures(title, time.perf_counter() - began, peak.bytes))


async def measure(folder: Path) -> MeasuredSteps:
    """Run the main job in a fresh folder."""
    steps = MeasuredSteps(Console(stderr=True))
    with steps.step("Starting the platform"):
        edition = open_laptop_edition(folder / "home", port=free_port())
        running = await edition.__aenter__()
    try:
        async with ProteaClient(running.url) as client:
            await run_demo(client, DemoData.find(DATA), folder, steps)
    finally:
        await edition.__aexit__(None, None, None)
    return steps


def main() -> None:
    """Print a table and, with ``--json``, the same as the last line."""
    parser = argparse.ArgumentParser(description="Seconds and peak memory of the main job, step by step.")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    arguments = parser.parse_args()
    with traversable_folder("protea-benchmark-") as folder:
        steps = asyncio.run(measure(folder))
    print(f"{'step':<46} {'seconds':>8} {'peak MiB':>9}")
    for figures in steps.figures:
        print(f"{figures.title:<46} {figures.seconds:>8.2f} {figures.peak_bytes / MEBIBYTE:>9.0f}")
    total = sum(figures.seconds for figures in steps.figures)
    highest = max(figures.peak_bytes for figures in steps.figures)
    print(f"{'all':<46} {total:>8.2f} {highest / MEBIBYTE:>9.0f}")
    if arguments.json:
        rows = {f.title: {"seconds": round(f.seconds, 3), "peak_bytes": f.peak_bytes} for f in steps.figures}
        print(json.dumps({"steps": rows, "total_seconds": round(total, 3), "peak_bytes": highest}))


if __name__ == "__main__":
    main()
