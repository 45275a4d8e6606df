"""From scores to probabilities, per aspect: an isotonic fit, what it is worth, and its form as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS, Aspect
from protea_common.errors import PermanentError
from protea_predictor.domain.errors import require_shape

__all__ = [
    "AspectCurve",
    "Calibration",
    "InvalidCalibrationError",
    "Reliability",
    "expected_calibration_error",
    "fit_calibration",
    "fit_isotonic",
    "reliability",
]

_FEWEST_ROWS = 100
"""Candidates of an aspect that a fit needs at least; fewer say nothing about probabilities."""

_FORMAT = 1


class InvalidCalibrationError(PermanentError):
    """A calibration cannot be fitted or read: too few rows, rows of one label only, or a curve that falls."""

    slug: ClassVar[str] = "invalid-calibration"


@dataclass(frozen=True, slots=True, eq=False)
class AspectCurve:
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


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Curves of the three aspects and the level under which nothing is said.

    Attributes
    ----------
    curves
        By aspect; the scores of an aspect without one stay as they are.
    abstain_below
        Probability under which a prediction is flagged and not shown; 0 for none.
    """

    curves: Mapping[Aspect, AspectCurve]
    abstain_below: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.abstain_below < 1:
            raise InvalidCalibrationError(f"The abstain level is {self.abstain_below}; it lies in [0, 1).")

    def __call__(self, scores: NDArray[np.float64], aspects: NDArray[np.integer]) -> NDArray[np.float64]:
        """Map scores by the aspects (positions in `ASPECTS`) of their terms; both of shape ``(n,)``.

        A curve never falls and parent and child are of one aspect, so that no term comes below a descendant.
        """
        require_shape(len(scores) == len(aspects), f"{len(scores)} scores and {len(aspects)} aspects; give one each.")
        mapped = scores.astype(np.float64)
        for aspect, curve in self.curves.items():
            members = aspects == ASPECTS.index(aspect)
            mapped[members] = curve(scores[members])
        return mapped

    def is_told(self, probabilities: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which predictions reach the abstain level."""
        return probabilities >= self.abstain_below

    def as_json(self) -> dict[str, Any]:
        """Give the calibration as JSON, from which `from_json` makes an equal one."""
        curves = {
            aspect.value: {"scores": curve.scores.tolist(), "probabilities": curve.probabilities.tolist()}
            for aspect, curve in self.curves.items()
        }
        return {"format": _FORMAT, "abstain_below": self.abstain_below, "curves": curves}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Calibration:
        """Read what `as_json` gave.

        Raises
        ------
        InvalidCalibrationError
            If it is something else.
        """
        try:
            if document["format"] != _FORMAT:
                raise InvalidCalibrationError(
                    f"The calibration has format {document['format']}, this version reads {_FORMAT}; fit it again."
                )
            curves = {
                Aspect(name): AspectCurve(
                    np.array(curve["scores"], dtype=np.float64), np.array(curve["probabilities"], dtype=np.float64)
                )
                for name, curve in document["curves"].items()
            }
            return cls(MappingProxyType(curves), float(document["abstain_below"]))
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise InvalidCalibrationError("This is no calibration; fit one with fit_calibration.") from exc


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


def fit_isotonic(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> AspectCurve:
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
    return AspectCurve(distinct[points], np.repeat(shares, np.where(firsts == lasts, 1, 2)))


def fit_calibration(
    scores: NDArray[np.float64],
    labels: NDArray[np.bool_],
    aspects: NDArray[np.integer],
    *,
    abstain_below: float = 0.0,
) -> Calibration:
    """Fit one curve per aspect; an aspect without predictions has none.

    The rows come from a window that is for choosing, never from the one that is reported on.

    Raises
    ------
    InvalidCalibrationError
        If an aspect has fewer than 100 rows, or only true or only false ones.
    """
    curves = {}
    for number, aspect in enumerate(ASPECTS):
        members = aspects == number
        if not members.any():
            continue
        n_true, n_rows = int(labels[members].sum()), int(members.sum())
        if n_rows < _FEWEST_ROWS or n_true in {0, n_rows}:
            raise InvalidCalibrationError(
                f"{aspect.value} has {n_rows} predictions, {n_true} of them true; a calibration needs {_FEWEST_ROWS} "
                "and both kinds. Take a longer window or more proteins."
            )
        curves[aspect] = fit_isotonic(scores[members], labels[members])
    return Calibration(MappingProxyType(curves), abstain_below)


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
