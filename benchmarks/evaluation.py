"""Our evaluator against cafaeval on the whole ontology, and against cafaeval-protea on a cut one.

    .venv/bin/python benchmarks/evaluation.py [--json] [--rounds N]

Each is a program of its own on the same files: 2,000 proteins with 100 predicted terms each, drawn from the terms
annotated to the fly. Seconds and peak memory are those of the whole process, imports and parsing included. Then 1,000
paired bootstrap resamples of nine cells are timed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from evaluation_worker import read_graph

from protea_cli.demo.data import read_lines
from protea_common.domain.ontology import GoGraph
from protea_evaluator.domain.measures.cell import Cell
from protea_evaluator.domain.measures.sums import count_by_protein, grid
from protea_evaluator.domain.ontology_cut import cut_to_closure, write_obo
from protea_evaluator.domain.resampling.comparison import compare_paired
from protea_evaluator.domain.resampling.fmax import ProteinTable
from protea_ingest.domain.gaf import read_gaf

DATA = Path(__file__).parents[1] / "demo" / "data"
WORKER = Path(__file__).with_name("evaluation_worker.py")
FORK = "cafaeval-protea==0.1.0"

N_PROTEINS, N_TERMS, N_TRUE = 2_000, 100, 5
N_CELLS, N_RESAMPLES, CELL_PROTEINS = 9, 1_000, 5_000
KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE

PROGRAM = """
import json, logging, sys
from cafaeval.evaluation import cafa_eval
logging.disable()
_, best = cafa_eval(*sys.argv[1:4], no_orphans=True)
table = best["f"].reset_index()
print(json.dumps(dict(zip(table["ns"], table["f"]))))
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One process from its start to its end."""

    seconds: float
    peak_bytes: int
    fmax: Mapping[str, float]


def run(arguments: list[str], **environment: str) -> Run:
    """Run a program that prints its Fmax by namespace as JSON."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **environment}
    start = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, *arguments], env=environment, stdout=output, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)  # the usage of this process alone
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"{arguments[0]} ended with exit code {process.returncode}")
        output.seek(0)
        fmax = json.loads(output.read().splitlines()[-1])
    return Run(seconds, usage.ru_maxrss * KIBIBYTE, fmax)


def write_inputs(folder: Path) -> None:
    """Write the ontology, whole and cut, the truth and the predictions."""
    (folder / "whole.obo").write_text("\n".join(read_lines(DATA / "go_2019-01-27.obo.gz")), encoding="utf-8")
    graph = read_graph(folder / "whole.obo")
    rows = read_gaf(read_lines(DATA / "fly_annotations.gaf.gz"))
    annotated = (graph.row_of[row.go_id] for row in rows if row.go_id in graph.row_of)
    terms = np.array(sorted(term for term in annotated if len(graph.parents(term))))
    rng = np.random.default_rng(0)
    predicted = rng.choice(terms, size=(N_PROTEINS, N_TERMS))
    strangers = rng.choice(terms, size=(N_PROTEINS, N_TRUE))
    true = np.where(rng.integers(2, size=strangers.shape) == 1, predicted[:, :N_TRUE], strangers)
    scores = np.round(rng.beta(1, 3, size=predicted.shape) * 0.98 + 0.01, 3)
    (folder / "predictions").mkdir()
    with (folder / "predictions" / "predictions.tsv").open("w", encoding="utf-8") as file:
        for protein in range(N_PROTEINS):
            best = dict(sorted(zip(predicted[protein].tolist(), scores[protein].tolist(), strict=True)))
            file.writelines(f"P{protein:05d}\t{graph.go_ids[term]}\t{score}\n" for term, score in best.items())
    with (folder / "truth.tsv").open("w", encoding="utf-8") as file:
        for protein in range(N_PROTEINS):
            file.writelines(f"P{protein:05d}\t{graph.go_ids[term]}\n" for term in sorted(set(true[protein].tolist())))
    _write_cut(folder / "cut.obo", graph, np.concatenate([predicted.ravel(), true.ravel()]).astype(np.int32))


def _write_cut(path: Path, graph: GoGraph, terms: np.ndarray[tuple[int], np.dtype[np.int32]]) -> None:
    first, *lines = write_obo(graph, cut_to_closure(graph, terms))
    path.write_text("".join([first, "data-version: cut\n", *lines]), encoding="utf-8")


def install_fork(folder: Path) -> str:
    """Install the fork into a folder of its own: both have the same import name."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--target", str(folder), FORK], check=True)
    return str(folder)


def seconds_of_bootstrap() -> float:
    """Time 1,000 paired resamples of nine cells, from the pairs to the intervals."""
    rng = np.random.default_rng(1)

    def table() -> ProteinTable:
        proteins = np.repeat(np.arange(CELL_PROTEINS, dtype=np.int32), N_TERMS)
        cell = Cell(
            proteins=proteins,
            scores=rng.random(len(proteins)),
            is_true=rng.integers(10, size=len(proteins)) == 0,
            weights=np.ones(len(proteins)),
            truth=np.full(CELL_PROTEINS, 12.0),
            accessions=np.arange(CELL_PROTEINS, dtype=np.int32),
            cohort=CELL_PROTEINS,
        )
        return ProteinTable.of(count_by_protein(cell, grid(0.01)))

    start = time.perf_counter()
    for _ in range(N_CELLS):
        compare_paired(table(), table(), n_samples=N_RESAMPLES)
    return time.perf_counter() - start


def compare(ours: Callable[[], Run], theirs: Callable[[], Run], *, rounds: int, name: str) -> tuple[float, float]:
    """Alternate; print each round; give the medians of the ratios of seconds and of memory.

    Ours runs once before: the byte code of a clean clone is not compiled yet, that of an installed peer is.
    """
    time_ratios, memory_ratios = [], []
    ours()
    for _ in range(rounds):
        our_run, their_run = ours(), theirs()
        worst = max(abs(our_run.fmax[namespace] - value) for namespace, value in their_run.fmax.items())
        time_ratios.append(their_run.seconds / our_run.seconds)
        memory_ratios.append(our_run.peak_bytes / their_run.peak_bytes)
        print(
            f"{name:<34} {their_run.seconds:7.2f} s {their_run.peak_bytes / MEBIBYTE:7.0f} MiB   "
            f"PROTEA {our_run.seconds:6.2f} s {our_run.peak_bytes / MEBIBYTE:6.0f} MiB   "
            f"{time_ratios[-1]:6.1f} times faster   Fmax differs by {worst:.1e}"
        )
    return statistics.median(time_ratios), statistics.median(memory_ratios)


def main() -> None:
    """Measure, print a line a round and, with ``--json``, the medians as the last line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--rounds", type=int, default=7, help="runs of each program")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # A program's peak includes that of who started it, at that moment: whoever makes the inputs is another process.
        with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
            pool.submit(write_inputs, folder).result()
        fork = install_fork(folder / "fork")
        files = [str(folder / "predictions"), str(folder / "truth.tsv")]
        our_files = [str(folder / "predictions" / "predictions.tsv"), str(folder / "truth.tsv")]
        whole, cut = str(folder / "whole.obo"), str(folder / "cut.obo")
        fork_ratio, fork_memory = compare(
            lambda: run([str(WORKER), cut, *our_files]),
            lambda: run(["-c", PROGRAM, cut, *files], PYTHONPATH=fork),
            rounds=arguments.rounds,
            name="cafaeval-protea 0.1.0, cut ontology",
        )
        cafaeval_ratio, cafaeval_memory = compare(
            lambda: run([str(WORKER), whole, *our_files]),
            lambda: run(["-c", PROGRAM, whole, *files]),
            rounds=min(arguments.rounds, 2),
            name="cafaeval 1.3.0, whole ontology",
        )
    bootstrap = statistics.median(seconds_of_bootstrap() for _ in range(arguments.rounds))
    print(f"{N_RESAMPLES:,} paired resamples of {N_CELLS} cells of {CELL_PROTEINS:,} proteins: {bootstrap:.1f} s")
    if arguments.json:
        figures = {
            "cafaeval_ratio": cafaeval_ratio,
            "cafaeval_memory_ratio": cafaeval_memory,
            "fork_ratio": fork_ratio,
            "fork_memory_ratio": fork_memory,
            "bootstrap_seconds": bootstrap,
        }
        print(json.dumps({key: round(value, 3) for key, value in figures.items()}))


if __name__ == "__main__":
    main()
