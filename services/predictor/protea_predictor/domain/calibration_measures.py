"""What a calibration is worth: the calibration error before and after, and on proteins that were not fitted to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS
from protea_predictor.domain.calibration import Calibration, expected_calibration_error, fit_isotonic

__all__ = ["measure_calibration"]

_FOLDS = 2


def measure_calibration(
    calibration: Calibration,
    scores: NDArray[np.float64],
    labels: NDArray[np.bool_],
    aspects: NDArray[np.integer],
    *,
    proteins: NDArray[np.integer],
) -> dict[str, Any]:
    """Measure a calibration on what it was fitted to.

    Parameters
    ----------
    scores, labels, aspects
        Of the predictions that it was fitted to, shape ``(n,)``.
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
    for aspect in calibration.curves:
        members = aspects == ASPECTS.index(aspect)
        raw, true = scores[members], labels[members]
        held_out = _held_out(raw, true, proteins[members])
        measures[aspect.value] = {
            "predictions": len(raw),
            "true": int(true.sum()),
            "before": expected_calibration_error(raw, true),
            "fitted": expected_calibration_error(calibration.curves[aspect](raw), true),
            "held_out": None if held_out is None else expected_calibration_error(held_out, true),
        }
    return measures


def _held_out(
    scores: NDArray[np.float64], labels: NDArray[np.bool_], proteins: NDArray[np.integer]
) -> NDArray[np.float64] | None:
    """Map the predictions of each half of the proteins by a curve fitted to the other half."""
    mapped = np.empty(len(scores))
    for fold in range(_FOLDS):
        members = proteins % _FOLDS == fold
        if not members.any() or members.all():
            return None
        mapped[members] = fit_isotonic(scores[~members], labels[~members])(scores[members])
    return mapped
