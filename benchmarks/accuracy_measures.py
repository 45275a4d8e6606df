"""Figures of scored candidates: both kinds of Fmax with what is needed to compare two methods, and calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from accuracy_rows import CandidateRows, CellName, Truth, measured_cell
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from protea_common.domain.ontology import ASPECTS
from protea_evaluator.domain.measures.curve import draw_curve
from protea_evaluator.domain.measures.sums import count_by_protein, grid, sum_counts
from protea_evaluator.domain.resampling.comparison import compare_paired
from protea_evaluator.domain.resampling.fmax import ProteinTable
from protea_evaluator.domain.resampling.intervals import Interval

__all__ = ["Measured", "compare", "expected_calibration_errors", "measure"]

_STEP = 0.01
_BINS = 15
_SAMPLES = 1_000

Scored = Mapping[CellName, tuple[CandidateRows, NDArray[np.float64]]]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Fmax and weighted Fmax of one cell, with the proteins' own figures."""

    fmax: float
    weighted_fmax: float
    cohort: int
    proteins: ProteinTable
    weighted_proteins: ProteinTable


def measure(
    rows: CandidateRows, scores: NDArray[np.float64], truth: Truth, *, accretion: NDArray[np.float64]
) -> Measured:
    """Measure scores that agree with the ontology."""
    counts = [
        count_by_protein(measured_cell(rows, scores, truth, weights=weights), grid(_STEP))
        for weights in (np.ones(len(accretion)), accretion)
    ]
    plain, weighted = (float(draw_curve(sum_counts(count)).f.max()) for count in counts)
    tables = [ProteinTable.of(count) for count in counts]
    return Measured(plain, weighted, counts[0].cohort, *tables)


def compare(ours: Measured, theirs: Measured) -> tuple[Interval, Interval]:
    """Difference of both measures on the same resampled proteins, with 95 % intervals."""
    plain = compare_paired(ours.proteins, theirs.proteins, n_samples=_SAMPLES)
    weighted = compare_paired(ours.weighted_proteins, theirs.weighted_proteins, n_samples=_SAMPLES)
    return plain.difference, weighted.difference


def expected_calibration_errors(selection: Scored, reporting: Scored) -> dict[str, float]:
    """Fit one isotonic map for each aspect on the selection window, and tell how far off it is on the reporting window.

    Over 15 bins of equal width, weighted by the candidates in them (Guo et al. 2017, ICML).
    """
    errors = {}
    for aspect in ASPECTS:
        learnt, judged = (
            [pair for name, pair in window.items() if name[1] is aspect] for window in (selection, reporting)
        )
        if learnt and judged:
            calibration = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
            calibration.fit(_joined(learnt, "scores"), _joined(learnt, "labels"))
            errors[aspect.cafa] = _error(calibration.predict(_joined(judged, "scores")), _joined(judged, "labels"))
    return errors


def _joined(pairs: list[tuple[CandidateRows, NDArray[np.float64]]], what: str) -> NDArray[np.float64]:
    parts = [scores if what == "scores" else rows.labels for rows, scores in pairs]
    return np.concatenate(parts).astype(np.float64)


def _error(probabilities: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    bins = np.minimum((probabilities * _BINS).astype(np.int64), _BINS - 1)
    promised, kept = (np.bincount(bins, values, _BINS) for values in (probabilities, labels))
    return float(np.abs(promised - kept).sum() / len(labels))
