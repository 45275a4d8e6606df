"""The measures at each threshold, and the best of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_evaluator.domain.measures.sums import ThresholdSums, ratio
from protea_evaluator.domain.recipe import Normalisation

__all__ = ["Curve", "average_precision", "draw_curve", "harmonic_mean"]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Measures at each threshold, each of shape ``(n_thresholds,)``.

    With terms weighted by information accretion these are the weighted measures, and the last three are in bits.

    Attributes
    ----------
    thresholds
        Ascending, in (0, 1].
    n_predicted
        Proteins with a predicted term.
    coverage
        Their share of the cohort, in [0, 1].
    precision, recall, f
        Averaged over proteins, in [0, 1].
    micro_precision, micro_recall, micro_f
        Of the sums over all proteins, in [0, 1].
    misinformation, remaining_uncertainty
        Weight predicted and not true, and true and not predicted, for a protein on average.
    semantic_distance
        Length of the vector of these two.

    References
    ----------
    Radivojac et al. 2013, Nat Methods 10:221 (precision and recall); Clark and Radivojac 2013, Bioinformatics 29:i53
    (misinformation, remaining uncertainty, semantic distance).
    """

    thresholds: NDArray[np.float64]
    n_predicted: NDArray[np.float64]
    coverage: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f: NDArray[np.float64]
    micro_precision: NDArray[np.float64]
    micro_recall: NDArray[np.float64]
    micro_f: NDArray[np.float64]
    misinformation: NDArray[np.float64]
    remaining_uncertainty: NDArray[np.float64]
    semantic_distance: NDArray[np.float64]


def draw_curve(sums: ThresholdSums, normalisation: Normalisation = Normalisation.CAFA) -> Curve:
    """Turn sums into averages.

    Parameters
    ----------
    normalisation
        What the sums are divided by.
    """
    cohort = np.full(len(sums.thresholds), float(sums.cohort))
    precision_base = cohort if normalisation is Normalisation.GROUND_TRUTH else sums.n_predicted
    base = sums.n_predicted if normalisation is Normalisation.PREDICTED else cohort
    precision, recall = ratio(sums.precision, precision_base), ratio(sums.recall, base)
    micro_precision, micro_recall = ratio(sums.true, sums.predicted), sums.true / max(sums.truth, _LEAST_WEIGHT)
    misinformation = ratio(sums.predicted - sums.true, base)
    remaining = ratio(sums.truth - sums.true, base)
    return Curve(
        thresholds=sums.thresholds,
        n_predicted=sums.n_predicted,
        coverage=sums.n_predicted / sums.cohort,
        precision=precision,
        recall=recall,
        f=harmonic_mean(precision, recall),
        micro_precision=micro_precision,
        micro_recall=micro_recall,
        micro_f=harmonic_mean(micro_precision, micro_recall),
        misinformation=misinformation,
        remaining_uncertainty=remaining,
        semantic_distance=np.hypot(misinformation, remaining),
    )


_LEAST_WEIGHT = 1e-300
"""Divides the nothing that is found where nothing is true."""


def harmonic_mean(precision: NDArray[np.float64], recall: NDArray[np.float64]) -> NDArray[np.float64]:
    """F measure; 0 where both are 0."""
    return ratio(2 * precision * recall, precision + recall)


def average_precision(precision: NDArray[np.float64], recall: NDArray[np.float64]) -> float:
    """Area under a precision-recall curve, in steps: each gain of recall counts at the precision it is bought with.

    Parameters
    ----------
    precision, recall
        By ascending threshold, so recall falls, shape ``(n_thresholds,)``.
    """
    gains = recall - np.append(recall[1:], 0.0)
    return float(np.sum(gains * precision))
