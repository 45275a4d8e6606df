"""What a calibration is worth: the calibration error before and after, and on proteins that were not fitted to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS
from protea_predictor.domain.calibration import Calibration, fit_aspect
from protea_predictor.domain.reliability import expected_calibration_error
from protea_predictor.domain.reranking.categories import CATEGORIES

__all__ = ["measure_calibration"]

_FOLDS = 2


def measure_calibration(
    calibration: Calibration,
    scores: NDArray[np.float64],
    labels: NDArray[np.bool_],
    cells: NDArray[np.integer],
    *,
    proteins: NDArray[np.integer],
) -> dict[str, Any]:
    """Measure a calibration on what it was fitted to.

    Parameters
    ----------
    scores, labels, cells
        Of the predictions that it was fitted to, as `fit_calibration` takes them, shape ``(n,)``.
    proteins
        Number of the protein of each, same shape.

    Returns
    -------
    measures
        By aspect: ``predictions``, ``true``, and the expected calibration error of the scores as they were
        (``before``), as fitted (``fitted``), and by curves fitted to the proteins of the other half (``held_out``),
        which alone says what to expect of new proteins; ``None`` where a half has no predictions.
    """
    measures = {}
    fitted = calibration(scores, cells)
    categories, aspects = np.divmod(cells, len(ASPECTS))
    for number, aspect in enumerate(ASPECTS):
        members = np.flatnonzero(aspects == number)
        if not len(members):
            continue
        raw, true = scores[members], labels[members]
        held_out = _held_out(raw, true, categories[members], proteins[members])
        measures[aspect.value] = {
            "predictions": len(raw),
            "true": int(true.sum()),
            "before": expected_calibration_error(raw, true),
            "fitted": expected_calibration_error(fitted[members], true),
            "held_out": None if held_out is None else expected_calibration_error(held_out, true),
        }
    return measures


def _held_out(
    scores: NDArray[np.float64],
    labels: NDArray[np.bool_],
    categories: NDArray[np.integer],
    proteins: NDArray[np.integer],
) -> NDArray[np.float64] | None:
    """Map the predictions of each half of the proteins by curves fitted to the other half."""
    mapped = np.empty(len(scores))
    for fold in range(_FOLDS):
        is_held = proteins % _FOLDS == fold
        if not is_held.any() or is_held.all():
            return None
        curves = fit_aspect(scores[~is_held], labels[~is_held], categories[~is_held])
        for number, category in enumerate(CATEGORIES):
            members = np.flatnonzero(is_held & (categories == number))
            mapped[members] = curves[category](scores[members])
    return mapped
