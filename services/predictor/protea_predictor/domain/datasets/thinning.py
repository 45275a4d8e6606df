"""Fewer rows that teach the same: false candidates that rank low are drawn by chance, and count for more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.ragged import group_starts

__all__ = ["Thinning", "draw_rows"]

_MOST_TERMS = 1 << 20
"""More than an ontology has; cell and term become one number."""


@dataclass(frozen=True, slots=True)
class Thinning:
    """Which candidates become rows.

    Attributes
    ----------
    best_per_aspect
        Of a protein and aspect, by score, that are all kept.
    share_of_others
        Of the false ones behind them, in (0, 1].
    seed
        Of the draw.
    """

    best_per_aspect: int
    share_of_others: float
    seed: int


def draw_rows(
    scores: NDArray[np.float64],
    labels: NDArray[np.bool_],
    *,
    cells: NDArray[np.int64],
    terms: NDArray[np.int64],
    thinning: Thinning,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Choose rows so that sums over them, each times its multiplicity, are right in the mean for any features.

    What decides how likely a row is to be kept is its score, which is known when predictions are made too, and its
    label, for which its multiplicity makes up. Whether a row is drawn depends on its protein, its term and the seed
    alone, not on the rows beside it.

    Parameters
    ----------
    scores, labels
        What ranks candidates, and whether each is true, shape ``(n,)``.
    cells, terms
        Number of the protein and aspect, and of the term, same shape.
    thinning
        Which are kept.

    Returns
    -------
    positions
        Ascending.
    multiplicities
        Rows that each stands for: 1, or 1 / share for those that were drawn, same shape.

    References
    ----------
    Horvitz and Thompson 1952, J Am Stat Assoc 47:663.
    """
    tickets = _tickets(cells * _MOST_TERMS + terms, seed=thinning.seed)
    order = np.lexsort((tickets, -scores, cells))
    starts = group_starts(cells[order])
    sizes = np.diff(starts, append=len(order))
    is_sure = labels.copy()
    is_sure[order[np.arange(len(order)) - np.repeat(starts, sizes) < thinning.best_per_aspect]] = True
    positions = np.flatnonzero(is_sure | (tickets < thinning.share_of_others))
    multiplicities = np.where(is_sure[positions], 1.0, 1.0 / thinning.share_of_others)
    return positions, multiplicities.astype(np.float32)


def _tickets(keys: NDArray[np.int64], *, seed: int) -> NDArray[np.float64]:
    """Give each key a number in [0, 1) that looks like chance: SplitMix64's output function.

    References
    ----------
    Steele, Lea and Flood 2014, OOPSLA:453.
    """
    with np.errstate(over="ignore"):
        mixed = keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed) * np.uint64(0xD1B54A32D192ED03)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    tickets: NDArray[np.float64] = (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return tickets
