"""Pairwise alignment figures against the fastest route in the library's own words, on real protein pairs.

    .venv/bin/python benchmarks/alignment.py [--json] [--rounds N]

Pairs of fly proteins, half of them drawn at random and half each protein with a copy that has drifted to some 80 %
identity, each aligned globally and locally. The library's route is parasail's ``nw_stats_striped_16`` and
``sw_trace_striped_profile_16`` with counted trace strings, and 32 bits where 16 overflow. Runs alternate.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import parasail

from protea_cli.demo.data import read_lines
from protea_predictor.domain.alignment.pairwise import AlignmentFigures, PairFigures, align_pairs
from protea_predictor.domain.alignment.residues import alignable

PROTEINS = Path(__file__).parents[1] / "demo" / "data" / "fly_proteins.fasta.gz"
LETTERS = "ACDEFGHIKLMNPQRSTVWY"
N_PAIRS = 3_000
LONGEST = 10_000

Pairs = Sequence[tuple[str, str]]
Row = tuple[int, int, int, int, int]


def read_sequences(path: Path) -> list[str]:
    """Read the sequences of a FASTA file that are short enough to keep a round short, in the letters of BLOSUM62."""
    records = "\n".join(read_lines(path)).split(">")[1:]
    sequences = ("".join(record.split("\n")[1:]) for record in records)
    return [alignable(sequence).decode() for sequence in sequences if len(sequence) <= LONGEST]


def drifted(sequence: str, rng: random.Random) -> str:
    """Exchange, drop or insert some residues."""
    changed = (
        rng.choice(("", rng.choice(LETTERS), residue + rng.choice(LETTERS), rng.choice(LETTERS)))
        if rng.random() < 0.2  # noqa: PLR2004 - the share of residues that change
        else residue
        for residue in sequence
    )
    return "".join(changed) or "M"


def make_pairs(n: int) -> Pairs:
    """Draw the pairs; the same every time."""
    rng = random.Random(0)  # noqa: S311 - a seeded sample, no secret
    sequences = read_sequences(PROTEINS)
    strangers = [(rng.choice(sequences), rng.choice(sequences)) for _ in range(n // 2)]
    return strangers + [(each, drifted(each, rng)) for each in rng.choices(sequences, k=n - n // 2)]


def library(pairs: Pairs) -> list[tuple[Row, Row]]:
    """Align as a user of parasail would who has read its manual for speed."""
    return [(_library_nw(query, reference), _library_sw(query, reference)) for query, reference in pairs]


def _library_nw(query: str, reference: str) -> Row:
    result = parasail.nw_stats_striped_16(query, reference, 10, 1, parasail.blosum62)
    if result.saturated:
        result = parasail.nw_stats_striped_32(query, reference, 10, 1, parasail.blosum62)
    gaps = 2 * result.length - len(query) - len(reference)
    return result.score, result.length, result.matches, result.similar, gaps


def _library_sw(query: str, reference: str) -> Row:
    profile = parasail.profile_create_16(query, parasail.blosum62)
    result = parasail.sw_trace_striped_profile_16(profile, reference, 10, 1)
    if result.saturated:
        result = parasail.sw_trace_striped_32(query, reference, 10, 1, parasail.blosum62)
    return _counted(result)


def _counted(result: Any) -> Row:
    trace = result.traceback
    identical, gaps = trace.comp.count("|"), trace.query.count("-") + trace.ref.count("-")
    return result.score, len(trace.comp), identical, identical + trace.comp.count(":"), gaps


def traced(pairs: Pairs) -> list[tuple[Row, Row]]:
    """Align plainly: 32 bits and a trace for both."""
    return [
        (
            _counted(parasail.nw_trace_striped_32(query, reference, 10, 1, parasail.blosum62)),
            _counted(parasail.sw_trace_striped_32(query, reference, 10, 1, parasail.blosum62)),
        )
        for query, reference in pairs
    ]


def ours(pairs: Pairs, *, threads: int) -> PairFigures:
    """Align with PROTEA."""
    rows = np.arange(len(pairs))
    queries, references = [query for query, _ in pairs], [reference for _, reference in pairs]
    return align_pairs(queries, references, query_rows=rows, reference_rows=rows, threads=threads)


def seconds(call: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def share_equal(figures: AlignmentFigures, rows: Sequence[Row]) -> tuple[float, float]:
    """Share of pairs with the same score, and with all five figures the same."""
    counted = np.array(rows, dtype=np.float64)
    columns = np.maximum(counted[:, 1:2], 1)
    theirs = np.column_stack((counted[:, :2], counted[:, 2:] / columns))
    mine = np.column_stack((figures.score, figures.length, figures.identity, figures.similarity, figures.gaps))
    return float(np.mean(mine[:, 0] == theirs[:, 0])), float(np.mean(np.all(np.isclose(mine, theirs), axis=1)))


def compare_figures(pairs: Pairs) -> dict[str, float]:
    """Print and give the shares of pairs on which the routes agree."""
    figures, by_library, plainly = ours(pairs, threads=2), library(pairs), traced(pairs)
    shares: dict[str, float] = {}
    for name, rows in (("library", by_library), ("traced", plainly)):
        for kind, each in enumerate((figures.nw, figures.sw)):
            scores, everything = share_equal(each, [row[kind] for row in rows])
            label = ("nw", "sw")[kind]
            print(f"same as {name:<8} {label}: scores {scores:.4f}, all five figures {everything:.4f}")
            shares |= {f"{name}_{label}_same_scores": scores, f"{name}_{label}_same_figures": everything}
    return shares


def compare_speed(pairs: Pairs, *, rounds: int) -> dict[str, float]:
    """Alternate the three runs and give the medians of the ratios."""
    ratios, thread_ratios = [], []
    for _ in range(rounds):
        theirs = seconds(lambda: library(pairs))
        one, two = (seconds(partial(ours, pairs, threads=threads)) for threads in (1, 2))
        ratios.append(theirs / one)
        thread_ratios.append(one / two)
        rates = "   ".join(
            f"{name} {len(pairs) / value:6.0f} pairs/s"
            for name, value in (("library", theirs), ("PROTEA", one), ("PROTEA, two threads", two))
        )
        print(rates)
    return {"alignment_ratio": statistics.median(ratios), "two_thread_ratio": statistics.median(thread_ratios)}


def main() -> None:
    """Measure, print a line a round and, with ``--json``, the medians as the last line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each")
    arguments = parser.parse_args()
    pairs = make_pairs(N_PAIRS)
    speed = compare_speed(pairs, rounds=arguments.rounds)
    shares = compare_figures(pairs[:: max(1, N_PAIRS // 1000)])
    if arguments.json:
        print(json.dumps({key: round(value, 4) for key, value in (speed | shares).items()}))


if __name__ == "__main__":
    main()
