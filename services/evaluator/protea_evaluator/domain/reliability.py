"""How often what was predicted with a score turned out true: reliability diagrams and the calibration error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_evaluator.domain.measures.cell import Cell
from protea_evaluator.domain.measures.sums import ProteinCounts

__all__ = ["Reliability", "ReliabilityBin", "predicted_below", "reliability"]

_BINS = 10


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Predictions with like scores.

    Attributes
    ----------
    score
        Their mean, to half a step of the grid.
    observed
        Share of them that is true.
    n_predictions
        Their number.
    """

    score: float
    observed: float
    n_predictions: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """A reliability diagram of what is told, and what the predictions below it add.

    Attributes
    ----------
    bins
        Of the predictions from the first threshold on, by ascending score; bins without predictions are left out.
    expected_error
        Mean distance of score and observed share in ``bins``, weighted by predictions; 0 without any.
    below
        The predictions that reach no threshold, in one bin; ``None`` without any.
    expected_error_of_all
        Like ``expected_error``, with those of ``below`` in the lowest tenth.
    """

    bins: Sequence[ReliabilityBin]
    expected_error: float
    below: ReliabilityBin | None
    expected_error_of_all: float


def reliability(counts: ProteinCounts, *, below: ReliabilityBin | None = None) -> Reliability:
    """Sort the predictions of a cell into bins of a tenth by score.

    What is not in the ground truth counts as false, though it may only not be known yet.

    Parameters
    ----------
    counts
        With terms alike, so that they are numbers of predictions. Scores below the first threshold are not in it.
    below
        Those scores, see `predicted_below`.

    References
    ----------
    Naeini et al. 2015, AAAI 29:2901 (expected calibration error).
    """
    true, predicted = (_by_threshold(totals.sum(axis=0)) for totals in (counts.true, counts.predicted))
    ends = np.append(counts.thresholds[1:], 1.0)
    middles = (counts.thresholds + ends) / 2
    tenth = np.minimum((counts.thresholds * _BINS + 1e-9).astype(int), _BINS - 1)
    bins = []
    for number in range(_BINS):
        inside = tenth == number
        n_predictions = float(predicted[inside].sum())
        if n_predictions:
            score = float((middles * predicted)[inside].sum() / n_predictions)
            bins.append(ReliabilityBin(score, float(true[inside].sum()) / n_predictions, round(n_predictions)))
    return Reliability(bins, _expected_error(bins), below, _expected_error(_with_below(bins, below)))


def predicted_below(cell: Cell, threshold: float) -> ReliabilityBin | None:
    """Gather the predictions of a cell, with terms alike, that score less than a threshold; ``None`` for none."""
    inside = cell.scores < threshold
    n_predictions = int(np.count_nonzero(inside))
    if not n_predictions:
        return None
    return ReliabilityBin(float(cell.scores[inside].mean()), float(cell.is_true[inside].mean()), n_predictions)


def _with_below(bins: Sequence[ReliabilityBin], below: ReliabilityBin | None) -> list[ReliabilityBin]:
    """Put what reaches no threshold into the lowest tenth."""
    if below is None:
        return list(bins)
    lowest = [below, *(each for each in bins if each.score < 1 / _BINS)]
    total = sum(each.n_predictions for each in lowest)
    score = sum(each.score * each.n_predictions for each in lowest) / total
    observed = sum(each.observed * each.n_predictions for each in lowest) / total
    return [ReliabilityBin(score, observed, total), *bins[len(lowest) - 1 :]]


def _expected_error(bins: Sequence[ReliabilityBin]) -> float:
    total = sum(each.n_predictions for each in bins)
    distances = sum(abs(each.score - each.observed) * each.n_predictions for each in bins)
    return distances / total if total else 0.0


def _by_threshold(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take running totals from the highest threshold down apart."""
    parts: NDArray[np.float64] = totals - np.append(totals[1:], 0.0)
    return parts
