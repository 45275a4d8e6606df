"""How often what was predicted with a score turned out true: reliability diagrams and the calibration error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_evaluator.domain.measures.sums import ProteinCounts

__all__ = ["Reliability", "ReliabilityBin", "reliability"]

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
    """A reliability diagram.

    Attributes
    ----------
    bins
        By ascending score; bins without predictions are left out.
    expected_error
        Mean distance of score and observed share, weighted by predictions; 0 without any.
    """

    bins: Sequence[ReliabilityBin]
    expected_error: float


def reliability(counts: ProteinCounts) -> Reliability:
    """Sort the predictions of a cell into bins of a tenth by score.

    What is not in the ground truth counts as false, though it may only not be known yet.

    Parameters
    ----------
    counts
        With terms alike, so that they are numbers of predictions. Scores below the first threshold are not in it.

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
    total = sum(each.n_predictions for each in bins)
    distances = sum(abs(each.score - each.observed) * each.n_predictions for each in bins)
    return Reliability(bins, distances / total if total else 0.0)


def _by_threshold(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take running totals from the highest threshold down apart."""
    parts: NDArray[np.float64] = totals - np.append(totals[1:], 0.0)
    return parts
