"""How often what was said came true: reliability diagrams and the expected calibration error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Reliability", "expected_calibration_error", "reliability"]


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """How often predictions came true, by what was said of them; for a reliability diagram.

    Attributes
    ----------
    counts
        Predictions in each of the equally wide bins of [0, 1], shape ``(n_bins,)``.
    mean_predicted, share_true
        Mean of what was said and share that is true, NaN for an empty bin, same shape.
    """

    counts: NDArray[np.int64]
    mean_predicted: NDArray[np.float64]
    share_true: NDArray[np.float64]


def reliability(probabilities: NDArray[np.float64], labels: NDArray[np.bool_], *, n_bins: int = 10) -> Reliability:
    """Count predictions by what was said of them, in [0, 1], and how many are true."""
    bins = np.clip((probabilities * n_bins).astype(np.int64), 0, n_bins - 1)
    counts = np.bincount(bins, minlength=n_bins)
    said, true = (np.bincount(bins, values, minlength=n_bins) for values in (probabilities, labels.astype(np.float64)))
    filled = np.where(counts > 0, counts, 1)
    mean_predicted, share_true = (np.where(counts > 0, sums / filled, np.nan) for sums in (said, true))
    return Reliability(counts, mean_predicted, share_true)


def expected_calibration_error(
    probabilities: NDArray[np.float64], labels: NDArray[np.bool_], *, n_bins: int = 10
) -> float:
    """Mean distance of what is said from what is true over the bins, by their predictions; in [0, 1], NaN for none.

    References
    ----------
    Guo et al. 2017, ICML:1321, equation 3.
    """
    if len(probabilities) == 0:
        return float("nan")
    found = reliability(probabilities, labels, n_bins=n_bins)
    gaps = np.nan_to_num(np.abs(found.mean_predicted - found.share_true))
    return float((gaps * found.counts).sum() / found.counts.sum())
