"""How accurate predictions are: alignment transfer, k-mer neighbours, a composite of signals, and re-rankers.

    .venv/bin/python benchmarks/accuracy.py [--json] [--fast] [--window selection|dated|cafa] [--plain] [--all-methods]
        [--data DIR] [--home DIR]

Starts the platform and asks it for everything over HTTP: loads, windows, predictions, training, calibration, measures
and comparisons. Terms gained in 2016 train, those gained in 2017 choose, those gained from 2018 on are reported; each
window knows only what was annotated before it. The data are ``annotations.gaf.gz`` and ``proteins.fasta.gz``; without
them, and with ``--fast``, the fly of the demo is taken.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from accuracy_choices import ALIGNMENT_ALL, ALIGNMENT_EXPERIMENTAL, COMPOSITE, KMERS, LEAST_SCORE, Method
from accuracy_jobs import Jobs
from accuracy_predicting import RERANKER, calibrate, evaluate, predict, probabilities, reranking, train
from accuracy_results import Measured, calibration_errors, gains, read_measured
from accuracy_table import Gains, as_json, print_table
from accuracy_windows import CAFA, DATED, REPORTING, SELECTION, TRAINING, Days, Files, Loaded, Window, load, open_window
from folders import traversable_folder

from protea_cli.client import ProteaClient
from protea_standalone.edition import free_port, open_laptop_edition

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "demo" / "data"
ALL7 = ROOT.parent / "shared" / "data" / "all7"
WINDOWS = {window.name: window for window in (REPORTING, DATED, CAFA, SELECTION)}
WINDOW_HELP = (
    "what is told of; dated is the reporting window without the day that IntAct's annotations bear, cafa the whole one "
    "without functions of proteins that gained protein binding alone"
)


class Protocol:
    """The protocol on a running platform.

    Parameters
    ----------
    jobs
        Runs operations.
    loaded
        What they work on.
    selection, reported
        The window for choosing, and the one whose figures are told; the same while a method is worked on.
    """

    def __init__(self, jobs: Jobs, loaded: Loaded, *, selection: Window, reported: Window) -> None:
        self._jobs = jobs
        self._loaded = loaded
        self._selection = selection
        self._reported = reported
        self._made: dict[str, str] = {}
        self.methods: dict[str, Measured] = {}
        self.errors: dict[str, dict[str, float]] = {}

    async def measure_plain(self, methods: Sequence[Method]) -> None:
        """Predict by methods that learn nothing."""
        for method in methods:
            await self._predict_and_measure(method.name, method)

    async def measure_rerankers(self, training: list[Window], *, calibrates: bool) -> None:
        """Train on earlier windows, and predict; make probabilities too."""
        rerankers = await train(self._jobs, self._loaded, training, self._selection)
        least = 0.0 if calibrates else LEAST_SCORE
        await self._predict_and_measure(RERANKER, COMPOSITE, **reranking(rerankers), abstain_below=least)
        if calibrates:
            await self._calibrate(RERANKER, reranking(rerankers))

    async def measure_calibration(self) -> None:
        """Make probabilities of the composite's scores."""
        await self._calibrate(COMPOSITE.name, {})

    async def gains(self) -> dict[str, Gains]:
        """Compare with the better alignment transfer of each cell, and re-rankers with the composite."""
        baselines = [self.methods[ALIGNMENT_EXPERIMENTAL.name], self.methods[ALIGNMENT_ALL.name]]
        composite, reranker = self.methods[COMPOSITE.name], self.methods.get(RERANKER)
        pairs = {"composite over alignment": (composite, baselines)}
        if reranker is not None:
            pairs["re-ranker over alignment"] = (reranker, baselines)
            pairs["re-ranker over composite"] = (reranker, [composite])
        return {title: await gains(self._jobs, *pair, title=title) for title, pair in pairs.items()}

    async def _calibrate(self, title: str, more: Mapping[str, object]) -> None:
        """Fit curves to the selection window; tell their errors where they were not fitted."""
        selected = self._made[title]
        if self._reported is not self._selection:
            selected = await predict(self._jobs, self._loaded, self._selection, COMPOSITE, title=f"for {title}", **more)
        fitted = await calibrate(self._jobs, self._selection, selected, title=title)
        self.errors[f"{title}, other half of the selection window"] = fitted.held_out
        if self._reported is not self._selection:
            calibrated = f"{title}, calibrated"
            made = await probabilities(self._jobs, self._made[title], fitted, title=calibrated)
            self.methods[calibrated] = await self._measured(calibrated, made)
            for of_all, which in ((True, ""), (False, ", of scores from .01 on")):
                self.errors[f"{calibrated}{which}"] = calibration_errors(self.methods[calibrated], of_all=of_all)

    async def _predict_and_measure(self, title: str, method: Method, **more: object) -> None:
        self._made[title] = await predict(self._jobs, self._loaded, self._reported, method, title=title, **more)
        self.methods[title] = await self._measured(title, self._made[title])

    async def _measured(self, title: str, prediction_set_id: str) -> Measured:
        result_id = await evaluate(self._jobs, self._reported, prediction_set_id, title)
        return await read_measured(self._jobs, self._reported, result_id)


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of the protocol is run.

    Attributes
    ----------
    reported
        Whose figures are told.
    learns
        Whether calibrations are fitted and re-rankers trained.
    compares
        Whether neighbours alone are measured too, and probabilities of re-rankers.
    """

    reported: Days
    learns: bool
    compares: bool

    @property
    def plain(self) -> list[Method]:
        """Methods that learn nothing."""
        return [ALIGNMENT_EXPERIMENTAL, ALIGNMENT_ALL, *([KMERS] if self.compares else []), COMPOSITE]


async def run_protocol(jobs: Jobs, files: Files, extent: Extent) -> tuple[Protocol, dict[str, Gains]]:
    """Run the protocol on a platform; give it with what was measured, and what was gained."""
    days = [*TRAINING, *dict.fromkeys((SELECTION, extent.reported))]
    loaded = await load(jobs, files, days)
    windows = [await open_window(jobs, loaded, each) for each in days]
    training, selection = windows[: len(TRAINING)], windows[len(TRAINING)]
    protocol = Protocol(jobs, loaded, selection=selection, reported=windows[-1])
    await protocol.measure_plain(extent.plain)
    if extent.learns:
        await protocol.measure_calibration()
        await protocol.measure_rerankers(training, calibrates=extent.compares)
    return protocol, await protocol.gains()


async def run_benchmark(files: Files, home: Path, extent: Extent, *, as_line: bool) -> None:
    """Start the platform, run the protocol and print its table."""
    os.environ.setdefault("PROTEA_PREDICTOR__ALIGNMENT_THREADS", "2")
    async with AsyncExitStack() as stack:
        edition = await stack.enter_async_context(open_laptop_edition(home, port=free_port()))
        client = await stack.enter_async_context(ProteaClient(edition.url))
        jobs = Jobs(client, home / "accuracy.json")
        protocol, gained = await run_protocol(jobs, files, extent)
        jobs.tell("done")
    print_table(protocol.methods, gained, protocol.errors)
    if as_line:
        print(json.dumps(as_json(protocol.methods, gained, protocol.errors) | {"seconds": jobs.seconds}))


def main() -> None:
    """Run the protocol and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the figures as JSON on the last line")
    parser.add_argument("--fast", action="store_true", help="the fly alone")
    parser.add_argument("--window", choices=tuple(WINDOWS), default=REPORTING.name, help=WINDOW_HELP)
    parser.add_argument(
        "--all-methods", action="store_true", help="k-mers alone and calibrated re-rankers in any window"
    )
    parser.add_argument("--plain", action="store_true", help="leave calibration and re-rankers out")
    parser.add_argument("--data", type=Path, default=ALL7 if ALL7.is_dir() else None)
    parser.add_argument("--home", type=Path, help="keep the platform's data here, and go on with what is there")
    arguments = parser.parse_args()
    files = Files.of(None if arguments.fast else arguments.data, demo=DEMO)
    with traversable_folder("protea-accuracy-") as folder:
        home = arguments.home or folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        reported = WINDOWS[arguments.window]
        compares = arguments.all_methods or reported is SELECTION
        extent = Extent(reported=reported, learns=not arguments.plain, compares=compares)
        asyncio.run(run_benchmark(files, home, extent, as_line=arguments.json))


if __name__ == "__main__":
    main()
