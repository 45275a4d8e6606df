"""Intervals of a figure from its resamples."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

__all__ = ["Interval", "IntervalMethod", "bca_interval"]


class IntervalMethod(StrEnum):
    """How the ends of an interval were found."""

    BCA = "bca"
    """Bias-corrected and accelerated."""
    PERCENTILE = "percentile"
    """Quantiles of the resamples as they are; used where the correction is not defined."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a figure lies, with the given confidence.

    Attributes
    ----------
    estimate
        The figure of the proteins themselves.
    low, high
        Both ends.
    method
        How they were found.
    """

    estimate: float
    low: float
    high: float
    method: IntervalMethod


def bca_interval(
    estimate: float, resamples: NDArray[np.float64], jackknife: NDArray[np.float64], *, confidence: float = 0.95
) -> Interval:
    """Bias-corrected and accelerated bootstrap interval.

    Parameters
    ----------
    estimate
        The figure of all proteins.
    resamples
        The figure of each resample, shape ``(n_samples,)``.
    jackknife
        The figure without each protein, shape ``(n_proteins,)``.
    confidence
        In (0, 1).

    Returns
    -------
    interval
        By percentiles where all resamples lie on one side of the estimate, or nothing varies.

    References
    ----------
    Efron 1987, J Am Stat Assoc 82:171; as in Efron and Tibshirani 1993, chapter 14.3.
    """
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    share_below = _share_below(resamples, estimate)
    deviations = jackknife.mean() - jackknife
    spread = np.sum(deviations**2)
    if not 0 < share_below < 1 or spread == 0:
        low, high = np.quantile(resamples, tails)
        return Interval(estimate, float(low), float(high), IntervalMethod.PERCENTILE)
    bias = ndtri(share_below)
    acceleration = np.sum(deviations**3) / (6 * spread**1.5)
    shifted = bias + ndtri(tails)
    corrected = ndtr(bias + shifted / (1 - acceleration * shifted))
    low, high = np.quantile(resamples, corrected)
    return Interval(estimate, float(low), float(high), IntervalMethod.BCA)


def _share_below(resamples: NDArray[np.float64], estimate: float) -> float:
    """Share of the resamples below the estimate; ties count half."""
    below = np.count_nonzero(resamples < estimate) + np.count_nonzero(resamples == estimate) / 2
    return float(below / len(resamples))
