"""From what a booster says to a score in [0, 1] that one threshold can cut for all proteins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.reranking.errors import UninformativeRerankerError

__all__ = ["IDENTITY", "SIGMOID", "ScoreMap", "fit_score_map", "sigmoid"]

_ITERATIONS = 100
"""Newton steps at most; ten are enough."""

_TOLERANCE = 1e-9
"""Steps smaller than it end the fit."""

_RIDGE = 1e-9
"""Added to the curvature, so that a step exists where the two labels are cleanly apart."""


@dataclass(frozen=True, slots=True)
class ScoreMap:
    """A strictly increasing map: the order of candidates stays, also across proteins.

    Attributes
    ----------
    slope, intercept
        The score is ``sigmoid(slope * output + intercept)``; without a slope it is the output itself.
    """

    slope: float | None
    intercept: float = 0.0

    def __call__(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map outputs to scores in [0, 1]."""
        if self.slope is None:
            return np.clip(outputs, 0.0, 1.0)
        return sigmoid(self.slope * outputs + self.intercept)


IDENTITY = ScoreMap(None)
"""For boosters whose outputs are probabilities already."""

SIGMOID = ScoreMap(1.0)
"""For boosters of other outputs that nothing was fitted for."""


def sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + exp(-x)), without overflow."""
    small = np.exp(-np.abs(values))
    mapped: NDArray[np.float64] = np.where(values >= 0, 1.0, small) / (1.0 + small)
    return mapped


def fit_score_map(
    outputs: NDArray[np.float64], labels: NDArray[np.bool_], *, multiplicities: NDArray[np.floating] | None = None
) -> ScoreMap:
    """Fit the probability that a candidate is true to the outputs of a booster (Platt scaling).

    A ranking objective orders the candidates of one protein and leaves open what its outputs mean from one protein to
    the next. One map over the candidates of all proteins gives them a common scale.

    Parameters
    ----------
    outputs
        Shape ``(n,)``; of rows that the booster was not trained on.
    labels
        Whether each is true, same shape; some are and some are not.
    multiplicities
        Candidates that each row stands for, same shape; ``None`` for 1 each.

    Returns
    -------
    score_map
        Increasing.

    Raises
    ------
    UninformativeRerankerError
        If higher outputs do not mean more likely.

    References
    ----------
    Lin, Lin and Weng 2007, Mach Learn 68:267 (with their smoothed targets).
    """
    rows = np.ones(len(labels)) if multiplicities is None else multiplicities.astype(np.float64)
    n_true, n_false = float(rows[labels].sum()), float(rows[~labels].sum())
    targets = np.where(labels, (n_true + 1.0) / (n_true + 2.0), 1.0 / (n_false + 2.0))
    spread = float(outputs.std()) or 1.0
    centre = float(outputs.mean())
    slope, intercept = _fit_logistic((outputs - centre) / spread, targets, rows)
    if slope <= 0:
        raise UninformativeRerankerError(
            "The booster ranks the candidates of the selection window no better than chance; train it on more rows, or "
            "with a smaller learning rate."
        )
    return ScoreMap(slope / spread, intercept - slope * centre / spread)


def _fit_logistic(
    values: NDArray[np.float64], targets: NDArray[np.float64], rows: NDArray[np.float64]
) -> tuple[float, float]:
    design = np.stack((values, np.ones_like(values)), axis=1)
    mean = float(np.average(targets, weights=rows))
    weights = np.array([0.0, np.log(mean / (1.0 - mean))])
    for _ in range(_ITERATIONS):
        fitted = sigmoid(design @ weights)
        gradient = design.T @ (rows * (fitted - targets))
        curvature = (design * (rows * fitted * (1.0 - fitted))[:, None]).T @ design + _RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < _TOLERANCE:
            break
    return float(weights[0]), float(weights[1])
