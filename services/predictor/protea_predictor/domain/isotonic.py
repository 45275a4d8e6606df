"""Rising curves from score to probability, fitted by isotonic regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from protea_common.errors import PermanentError
from protea_predictor.domain.errors import require_shape

__all__ = ["Curve", "InvalidCalibrationError", "fit_isotonic"]


class InvalidCalibrationError(PermanentError):
    """A calibration cannot be fitted or read: too few rows, rows of one label only, or a curve that falls."""

    slug: ClassVar[str] = "invalid-calibration"


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A rising curve from score to probability, straight between its points and level outside.

    Attributes
    ----------
    scores
        Strictly ascending, shape ``(n,)`` with ``n >= 1``.
    probabilities
        In [0, 1], never falling, same shape.
    """

    scores: NDArray[np.float64]
    probabilities: NDArray[np.float64]

    def __post_init__(self) -> None:
        require_shape(
            self.scores.shape == self.probabilities.shape and len(self.scores) > 0,
            f"{len(self.scores)} scores and {len(self.probabilities)} probabilities; give one for each.",
        )
        in_range = np.isfinite(self.scores).all() and ((self.probabilities >= 0) & (self.probabilities <= 1)).all()
        if not in_range or (np.diff(self.scores) <= 0).any() or (np.diff(self.probabilities) < 0).any():
            raise InvalidCalibrationError("A calibration's scores rise, and its probabilities in [0, 1] never fall.")

    def __call__(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map scores to probabilities; the order of scores is kept, ties may come of it."""
        return np.interp(scores, self.scores, self.probabilities)


def fit_isotonic(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> Curve:
    """Fit the rising step function with the least squared error, by pooling neighbours that fall.

    Parameters
    ----------
    scores
        Finite, in any order, shape ``(n,)`` with ``n >= 1``; equal ones are fitted together.
    labels
        Whether each is true, same shape.

    Returns
    -------
    curve
        With the least and the greatest score of each step as its points, so that between steps it is straight.

    References
    ----------
    Barlow et al. 1972, Statistical Inference under Order Restrictions (pool adjacent violators); Zadrozny and Elkan
    2002, KDD:694.
    """
    require_shape(
        scores.shape == labels.shape and len(scores) > 0, f"{len(scores)} scores and {len(labels)} labels; give both."
    )
    distinct, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    steps = _pooled(np.bincount(places, labels.astype(np.float64)).astype(np.float64), counts)
    firsts = np.cumsum([0, *(size for _, _, size in steps[:-1])])
    lasts = firsts + np.array([size for _, _, size in steps]) - 1
    shares = np.array([true / count for true, count, _ in steps])
    points = np.unique(np.stack((firsts, lasts), axis=1).ravel())
    return Curve(distinct[points], np.repeat(shares, np.where(firsts == lasts, 1, 2)))


def _pooled(true: NDArray[np.float64], counts: NDArray[np.int64]) -> list[tuple[float, int, int]]:
    """Merge neighbouring values until shares rise: true rows, rows and values of each step."""
    steps: list[tuple[float, int, int]] = []
    for hits, rows in zip(true.tolist(), counts.tolist(), strict=True):
        step = (hits, rows, 1)
        while steps and steps[-1][0] * step[1] >= step[0] * steps[-1][1]:
            last = steps.pop()
            step = (last[0] + step[0], last[1] + step[1], last[2] + step[2])
        steps.append(step)
    return steps
