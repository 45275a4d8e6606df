"""Two methods on the same proteins: their difference, how sure it is, and what difference could be seen at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from protea_common.errors import PermanentError
from protea_evaluator.domain.resampling.fmax import ProteinTable, draw_samples, fmax_of_samples, fmax_without_each
from protea_evaluator.domain.resampling.intervals import Interval, bca_interval

__all__ = ["DifferentProteinsError", "PairedComparison", "compare_paired", "fmax_interval"]


class DifferentProteinsError(PermanentError):
    """Two results were measured on different proteins, so they cannot be compared protein by protein."""

    slug = "different-proteins"

    def __init__(self, n_ours: int, n_theirs: int) -> None:
        super().__init__(
            f"One result has {n_ours} proteins, the other {n_theirs}; measure both on the same evaluation set."
        )


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Fmax of one method less that of another.

    Attributes
    ----------
    difference
        With its interval.
    minimum_detectable_effect
        The least true difference that would have been seen with the given power; an interval around 0 says
        "no difference" only of effects above it.
    """

    difference: Interval
    minimum_detectable_effect: float


def fmax_interval(table: ProteinTable, *, n_samples: int, seed: int = 0, confidence: float = 0.95) -> Interval:
    """Fmax of a cell with its bootstrap interval."""
    multiplicities = draw_samples(table.n_proteins, n_samples, np.random.default_rng(seed))
    return bca_interval(
        float(fmax_of_samples(table, np.ones((1, table.n_proteins)))[0]),
        fmax_of_samples(table, multiplicities),
        fmax_without_each(table),
        confidence=confidence,
    )


def compare_paired(
    ours: ProteinTable,
    theirs: ProteinTable,
    *,
    n_samples: int,
    seed: int = 0,
    confidence: float = 0.95,
    power: float = 0.80,
) -> PairedComparison:
    """Compare two methods on the same draws of the same proteins.

    Parameters
    ----------
    ours, theirs
        Of the same proteins in the same order.
    n_samples
        At least 1,000 for ends that do not move in the second decimal.
    confidence, power
        In (0, 1).

    Raises
    ------
    DifferentProteinsError
        If the tables have not equally many proteins.
    """
    if ours.n_proteins != theirs.n_proteins:
        raise DifferentProteinsError(ours.n_proteins, theirs.n_proteins)
    multiplicities = draw_samples(ours.n_proteins, n_samples, np.random.default_rng(seed))
    resamples = fmax_of_samples(ours, multiplicities) - fmax_of_samples(theirs, multiplicities)
    everyone = np.ones((1, ours.n_proteins))
    difference = bca_interval(
        float(fmax_of_samples(ours, everyone)[0] - fmax_of_samples(theirs, everyone)[0]),
        resamples,
        fmax_without_each(ours) - fmax_without_each(theirs),
        confidence=confidence,
    )
    reach = ndtri((1 + confidence) / 2) + ndtri(power)
    return PairedComparison(difference, minimum_detectable_effect=float(reach * resamples.std(ddof=1)))
