"""How accurate predictions are: alignment transfer, k-mer neighbours, a composite of signals, and a re-ranker.

    .venv/bin/python benchmarks/accuracy.py [--json] [--fast] [--data FOLDER] [--cache FOLDER]

Terms gained in 2017 choose, terms gained from 2018 on are reported, terms gained in 2014, 2015 and 2016 train; each
window knows only what was annotated before it. The folder holds ``annotations.gaf.gz`` and ``proteins.fasta.gz``;
without one, and with ``--fast``, the fly of the demo is taken. DIAMOND has to be installed. Nothing here goes through a
database or a queue: the domains of the services are called directly.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from accuracy_data import END, Corpus, Evidence, Window, cut_window, read_corpus
from accuracy_measures import Measured, compare, expected_calibration_errors, measure
from accuracy_methods import composite_scores, fit_reranker, reranked_scores
from accuracy_rows import CandidateRows, CellName, Truth, candidate_rows, truth_by_cell, vote_rows
from accuracy_search import Hits, align, search_by_kmers
from accuracy_signals import ALIGNMENT_DONORS, compute_signals, votes
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "demo" / "data"
ALL7 = ROOT.parent / "shared" / "data" / "all7"
TRAINING = [(date(year, 1, 1), date(year + 1, 1, 1)) for year in (2014, 2015, 2016)]
SELECTION = (date(2017, 1, 1), date(2018, 1, 1))
REPORTING = (date(2018, 1, 1), END)
SMALL_COHORT = 30
THREADS = 2

Scores = Mapping[CellName, tuple[CandidateRows, NDArray[np.float64]]]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A window with its candidates."""

    window: Window
    truths: Mapping[CellName, Truth]
    rows: Mapping[CellName, CandidateRows]


def read_data(folder: Path | None) -> Corpus:
    """Read the given data, or the demo's."""
    proteins, annotations = (
        (DEMO / "fly_proteins.fasta.gz", DEMO / "fly_annotations.gaf.gz")
        if folder is None
        else (folder / "proteins.fasta.gz", folder / "annotations.gaf.gz")
    )
    return read_corpus(ontology=DEMO / "go_2019-01-27.obo.gz", proteins=proteins, annotations=annotations)


def find_hits(corpus: Corpus, windows: list[Window], cache: Path | None) -> tuple[Hits, Hits]:
    """Align all targets to all references, and search their neighbours, unless the cache has them."""
    known = corpus.annotated_before(REPORTING[0], Evidence.EXPERIMENTAL, Evidence.OTHER)
    references = np.flatnonzero(np.diff(known.indptr))
    targets = np.unique(np.concatenate([window.targets for window in windows]))
    return (
        _cached(cache, "aligned", lambda: align(corpus.sequences, targets, references, threads=THREADS)),
        _cached(cache, "kmers", lambda: search_by_kmers(corpus.sequences, targets, references)),
    )


def prepare(corpus: Corpus, window: Window, aligned: Hits, by_kmers: Hits) -> Prepared:
    """List the candidates of a window with their signals."""
    signals = compute_signals(corpus, window, aligned=aligned, by_kmers=by_kmers)
    truths = truth_by_cell(corpus, window)
    rows = {name: candidate_rows(corpus, window, signals, name, truth) for name, truth in truths.items()}
    return Prepared(window, truths, rows)


def baselines(corpus: Corpus, prepared: Prepared, aligned: Hits, by_kmers: Hits) -> dict[str, Scores]:
    """Alignment transfer from both kinds of donors, and neighbours by k-mers alone; nothing but votes."""
    start = prepared.window.start
    experimental = corpus.annotated_before(start, Evidence.EXPERIMENTAL)
    both = corpus.annotated_before(start, Evidence.EXPERIMENTAL, Evidence.OTHER)
    scored: dict[str, Scores] = {}
    for method, hits, donors, depth in (
        ("alignment, experimental donors", aligned, experimental, ALIGNMENT_DONORS),
        ("alignment, all donors", aligned, both, ALIGNMENT_DONORS),
        ("k-mers alone, all donors", by_kmers, both, 30),
    ):
        shares = votes(corpus, prepared.window.targets, hits, donors, depth=depth)
        scored[method] = {
            name: vote_rows(corpus, prepared.window, shares, name, truth) for name, truth in prepared.truths.items()
        }
    return scored


def report(measured: Mapping[str, Mapping[CellName, Measured]], errors: Mapping[str, float]) -> dict[str, object]:
    """Print the table, and give what it holds."""
    cells = list(next(iter(measured.values())))
    print(f"{'':34}" + "".join(f"{category}-{aspect.cafa:8}" for category, aspect in cells) + "mean")
    cohorts = [next(iter(measured.values()))[name].cohort for name in cells]
    marks = [f"{n}{'!' if n < SMALL_COHORT else ''}" for n in cohorts]
    print(f"{'proteins (! too few to tell)':34}" + "".join(f"{mark:11}" for mark in marks))
    for kind in ("fmax", "weighted_fmax"):
        for method, results in measured.items():
            figures = [getattr(results[name], kind) for name in cells]
            print(
                f"{method[:24]:24}{kind[:9]:10}" + "".join(f"{f:<11.3f}" for f in figures) + f"{np.mean(figures):.4f}"
            )
    result: dict[str, object] = {
        "cells": {
            method: {
                f"{category}-{aspect.cafa}": [results[category, aspect].fmax, results[category, aspect].weighted_fmax]
                for category, aspect in cells
            }
            for method, results in measured.items()
        },
        "ece": dict(errors),
    }
    best = _better(measured["alignment, experimental donors"], measured["alignment, all donors"])
    result |= _gains("composite", measured["composite"], best)
    result |= _gains("reranker_over_alignment", measured["re-ranker"], best)
    result |= _gains("reranker", measured["re-ranker"], measured["composite"])
    print("calibration error: " + ", ".join(f"{aspect} {error:.4f}" for aspect, error in errors.items()))
    return result


def _better(
    ones: Mapping[CellName, Measured], others: Mapping[CellName, Measured]
) -> tuple[Mapping[CellName, Measured], Mapping[CellName, Measured]]:
    """Take the better of two methods in each cell, once by Fmax and once by weighted Fmax."""
    return (
        {name: max(one, others[name], key=lambda cell: cell.fmax) for name, one in ones.items()},
        {name: max(one, others[name], key=lambda cell: cell.weighted_fmax) for name, one in ones.items()},
    )


def _gains(
    label: str,
    ours: Mapping[CellName, Measured],
    theirs: Mapping[CellName, Measured] | tuple[Mapping[CellName, Measured], Mapping[CellName, Measured]],
) -> dict[str, object]:
    """Print what one method gains over another in each cell, with its interval."""
    plain, weighted = theirs if isinstance(theirs, tuple) else (theirs, theirs)
    differences = {name: (compare(ours[name], plain[name])[0], compare(ours[name], weighted[name])[1]) for name in ours}
    for position, kind in enumerate(("fmax", "weighted")):
        shown = [differences[name][position] for name in ours]
        print(f"{label} gain, {kind}: " + "  ".join(f"{d.estimate:+.3f} [{d.low:+.3f}, {d.high:+.3f}]" for d in shown))
    means = [float(np.mean([pair[position].estimate for pair in differences.values()])) for position in range(2)]
    print(f"{label} gain, mean: {means[0]:+.4f} {means[1]:+.4f}")
    worse = sum(interval.high < 0 for pair in differences.values() for interval in pair)
    return {f"{label}_gain": means[0], f"{label}_weighted_gain": means[1], f"{label}_cells_below": worse}


def _cached(folder: Path | None, name: str, search: Callable[[], Hits]) -> Hits:
    file = None if folder is None else folder / f"{name}.npz"
    if file is not None and file.exists():
        stored = np.load(file)
        return Hits(stored["targets"], stored["references"], stored["weights"], stored["similarities"])
    hits = search()
    if file is not None:
        np.savez(
            file,
            targets=hits.targets,
            references=hits.references,
            weights=hits.weights,
            similarities=hits.similarities,
        )
    return hits


def main() -> None:
    """Run the protocol and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the figures as JSON on the last line")
    parser.add_argument("--fast", action="store_true", help="the fly alone")
    parser.add_argument("--data", type=Path, default=ALL7 if ALL7.is_dir() else None)
    parser.add_argument("--cache", type=Path, help="keep what the searches found in this folder")
    arguments = parser.parse_args()
    began = time.perf_counter()

    def tell(what: str) -> None:
        print(f"[{time.perf_counter() - began:5.0f} s] {what}", flush=True)

    corpus = read_data(None if arguments.fast else arguments.data)
    windows = [cut_window(corpus, *days) for days in (*TRAINING, SELECTION, REPORTING)]
    tell(f"{len(corpus.accessions)} proteins; targets of the windows: {[len(window.targets) for window in windows]}")
    aligned, by_kmers = find_hits(corpus, windows, arguments.cache)
    tell(f"{len(aligned.targets)} alignments and {len(by_kmers.targets)} neighbours")
    prepared = []
    for window in windows:
        prepared.append(prepare(corpus, window, aligned, by_kmers))
        tell(f"signals of the window from {window.start}")
    *training, selection, reporting = prepared
    boosters = fit_reranker([one.rows for one in training], selection.rows)
    tell("re-rankers trained")

    def composite(one: Prepared) -> Scores:
        return {name: (rows, composite_scores(name, rows)) for name, rows in one.rows.items()}

    def reranked(one: Prepared) -> Scores:
        return {name: (rows, reranked_scores(boosters, name, rows, corpus.graph)) for name, rows in one.rows.items()}

    chosen = reranked(reporting)
    methods = baselines(corpus, reporting, aligned, by_kmers)
    methods |= {"composite": composite(reporting), "re-ranker": chosen}
    measured = {
        method: {
            name: measure(*pair, reporting.truths[name], accretion=reporting.window.accretion)
            for name, pair in scored.items()
        }
        for method, scored in methods.items()
    }
    result = report(measured, expected_calibration_errors(reranked(selection), chosen))
    tell("done")
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
