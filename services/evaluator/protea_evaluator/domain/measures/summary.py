"""The best of a curve: the figures that a cell is known by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protea_evaluator.domain.measures.curve import Curve, average_precision

__all__ = ["CellSummary", "summarise"]


@dataclass(frozen=True, slots=True)
class CellSummary:
    """Measures of one cell.

    Attributes
    ----------
    fmax, precision, recall, tau
        Best F of averaged precision and recall, those two, and the least threshold that gives it.
    coverage, n_proteins, cohort
        Proteins with a prediction at ``tau`` as a share of the cohort, their number, and the cohort's.
    micro_fmax, micro_tau
        Best F of the sums over all proteins, and its threshold.
    aupr
        Area under the curve of averaged precision and recall, in steps.
    smin, smin_tau
        Least semantic distance, and its threshold; with unweighted terms it counts terms, else bits.
    """

    fmax: float
    precision: float
    recall: float
    tau: float
    coverage: float
    n_proteins: int
    cohort: int
    micro_fmax: float
    micro_tau: float
    aupr: float
    smin: float
    smin_tau: float


def summarise(curve: Curve, *, cohort: int) -> CellSummary | None:
    """Take the best of a curve.

    Returns
    -------
    summary
        ``None`` where no threshold is reached by any prediction: nothing was measured.
    """
    if not curve.n_predicted.any():
        return None
    best, best_micro = int(np.argmax(curve.f)), int(np.argmax(curve.micro_f))
    least = int(np.argmin(np.where(curve.n_predicted > 0, curve.semantic_distance, np.inf)))
    return CellSummary(
        fmax=float(curve.f[best]),
        precision=float(curve.precision[best]),
        recall=float(curve.recall[best]),
        tau=float(curve.thresholds[best]),
        coverage=float(curve.coverage[best]),
        n_proteins=int(curve.n_predicted[best]),
        cohort=cohort,
        micro_fmax=float(curve.micro_f[best_micro]),
        micro_tau=float(curve.thresholds[best_micro]),
        aupr=average_precision(curve.precision, curve.recall),
        smin=float(curve.semantic_distance[least]),
        smin_tau=float(curve.thresholds[least]),
    )
