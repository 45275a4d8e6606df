"""From scores to probabilities, cell by cell: isotonic fits, what they are worth, and their form as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS
from protea_common.domain.scoring import CELLS
from protea_predictor.domain.errors import require_shape
from protea_predictor.domain.isotonic import Curve, InvalidCalibrationError, fit_isotonic
from protea_predictor.domain.reranking.categories import CATEGORIES, Category, Cell

__all__ = ["Calibration", "fit_aspect", "fit_calibration"]

_FEWEST_ROWS = 100
"""Candidates that a fit needs at least; fewer say nothing about probabilities."""

_FORMAT = 2
"""Format 1 had a curve for each aspect."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Curves of the nine cells.

    Attributes
    ----------
    curves
        By a name in `CELLS`; the scores of a cell without one stay as they are.
    """

    curves: Mapping[str, Curve]

    def __post_init__(self) -> None:
        if others := sorted(set(self.curves) - set(CELLS)):
            raise InvalidCalibrationError(f"There is no cell {', '.join(others)}; they are {', '.join(CELLS)}.")

    def __call__(self, scores: NDArray[np.float64], cells: NDArray[np.integer]) -> NDArray[np.float64]:
        """Map scores by the cells (positions in `CELLS`) of their candidates; both of shape ``(n,)``.

        A curve never falls, and a protein's terms of one aspect are of one cell: no term comes below a descendant.
        """
        require_shape(len(scores) == len(cells), f"{len(scores)} scores and {len(cells)} cells; give one each.")
        mapped = scores.astype(np.float64)
        for cell, curve in self.curves.items():
            members = np.flatnonzero(cells == CELLS.index(cell))
            mapped[members] = curve(scores[members])
        return mapped

    def as_json(self) -> dict[str, Any]:
        """Give the calibration as JSON, from which `from_json` makes an equal one."""
        curves = {
            cell: {"scores": curve.scores.tolist(), "probabilities": curve.probabilities.tolist()}
            for cell, curve in self.curves.items()
        }
        return {"format": _FORMAT, "curves": curves}

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
                cell: Curve(
                    np.array(curve["scores"], dtype=np.float64), np.array(curve["probabilities"], dtype=np.float64)
                )
                for cell, curve in document["curves"].items()
            }
            return cls(MappingProxyType(curves))
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise InvalidCalibrationError("This is no calibration; fit one with fit_calibration.") from exc


def fit_aspect(
    scores: NDArray[np.float64], labels: NDArray[np.bool_], categories: NDArray[np.integer]
) -> dict[Category, Curve]:
    """Fit a curve for each category to predictions of one aspect.

    Categories differ in what speaks for a term and in how many terms are gained: the same score is worth more in one
    than in another. A category with fewer than 100 predictions, or with only true or only false ones, has the curve of
    all three together.

    Parameters
    ----------
    scores, labels, categories
        Of each prediction its score, whether it is true, and the position of its category in `CATEGORIES`; shape
        ``(n,)`` with ``n >= 1``.
    """
    together = fit_isotonic(scores, labels)
    curves = {}
    for number, category in enumerate(CATEGORIES):
        members = np.flatnonzero(categories == number)
        is_enough = _says_enough(labels[members])
        curves[category] = fit_isotonic(scores[members], labels[members]) if is_enough else together
    return curves


def fit_calibration(
    scores: NDArray[np.float64],
    labels: NDArray[np.bool_],
    cells: NDArray[np.integer],
) -> Calibration:
    """Fit the curves of each aspect, as `fit_aspect` does; an aspect without predictions has none.

    The rows come from a window that is for choosing, never from the one that is reported on.

    Parameters
    ----------
    scores, labels, cells
        Of each prediction its score, whether it is true, and the position of its cell in `CELLS`; shape ``(n,)``.

    Raises
    ------
    InvalidCalibrationError
        If an aspect has fewer than 100 rows, or only true or only false ones.
    """
    curves: dict[str, Curve] = {}
    categories, aspects = np.divmod(cells, len(ASPECTS))
    for number, aspect in enumerate(ASPECTS):
        members = np.flatnonzero(aspects == number)
        if not len(members):
            continue
        if not _says_enough(labels[members]):
            raise InvalidCalibrationError(
                f"{aspect.value} has {len(members)} predictions, {int(labels[members].sum())} of them true; a "
                f"calibration needs {_FEWEST_ROWS} and both kinds. Take a longer window or more proteins."
            )
        fitted = fit_aspect(scores[members], labels[members], categories[members])
        curves |= {Cell(category, aspect).name: curve for category, curve in fitted.items()}
    return Calibration(MappingProxyType(curves))


def _says_enough(labels: NDArray[np.bool_]) -> bool:
    """Tell whether there are enough predictions for a curve, and both kinds."""
    return len(labels) >= _FEWEST_ROWS and bool(labels.any()) and not labels.all()
