"""Fmax of many weighted samples of a cell's proteins at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from protea_evaluator.domain.measures.curve import harmonic_mean
from protea_evaluator.domain.measures.sums import ProteinCounts, ratio

__all__ = ["ProteinTable", "draw_samples", "fmax_of_samples", "fmax_without_each"]

_SAMPLES_AT_ONCE = 256
"""Rows of a product of matrices; fewer waste the arithmetic unit, more cost memory and gain nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class ProteinTable:
    """What a cell's Fmax is computed from, one row for each protein.

    Attributes
    ----------
    columns
        Precision, recall and whether anything is predicted, at each threshold, side by side, shape
        ``(n_proteins, 3 * n_thresholds)``.
    """

    columns: NDArray[np.float64]

    @classmethod
    def of(cls, counts: ProteinCounts) -> ProteinTable:
        """Read precision and recall of each protein at each threshold."""
        is_predicted = (counts.predicted > 0).astype(np.float64)
        return cls(np.hstack([counts.precision, counts.recall, is_predicted]))

    @property
    def n_proteins(self) -> int:
        """Number of proteins."""
        return len(self.columns)


def draw_samples(n_proteins: int, n_samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw proteins with replacement, as often as there are proteins.

    Returns
    -------
    multiplicities
        How often each protein is in each sample, shape ``(n_samples, n_proteins)``.
    """
    multiplicities = np.empty((n_samples, n_proteins))
    for row in multiplicities:  # six times faster than drawing from a multinomial distribution
        row[:] = np.bincount(rng.integers(n_proteins, size=n_proteins), minlength=n_proteins)
    return multiplicities


def fmax_of_samples(table: ProteinTable, multiplicities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fmax of each sample, its threshold chosen anew, shape ``(n_samples,)``."""
    # One thread: two round differently, and beside busy neighbours they took four times as long.
    with threadpool_limits(limits=1):
        blocks = [
            _fmax(multiplicities[first : first + _SAMPLES_AT_ONCE] @ table.columns, table.n_proteins)
            for first in range(0, len(multiplicities), _SAMPLES_AT_ONCE)
        ]
    return np.concatenate([np.empty(0), *blocks])


def fmax_without_each(table: ProteinTable) -> NDArray[np.float64]:
    """Fmax of all proteins but one, for each left out, shape ``(n_proteins,)`` (the jackknife)."""
    return _fmax(table.columns.sum(axis=0) - table.columns, table.n_proteins - 1)


def _fmax(sums: NDArray[np.float64], n_proteins: int) -> NDArray[np.float64]:
    """Best F over the thresholds from sums of the table's columns, shape ``(n_samples, 3 * n_thresholds)``."""
    precision, recall, n_predicted = np.split(sums, 3, axis=1)
    best: NDArray[np.float64] = harmonic_mean(ratio(precision, n_predicted), recall / n_proteins).max(axis=1)
    return best
