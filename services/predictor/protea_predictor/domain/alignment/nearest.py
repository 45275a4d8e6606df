"""Each candidate's query beside its nearest donor: the pairs to align, and their figures as features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.alignment.pairwise import AlignmentFigures, PairFigures
from protea_predictor.domain.candidates import Candidates

__all__ = ["FIGURES", "NearestPairs", "figure_features", "figure_table", "nearest_pairs"]

_MEASURES = ("identity", "similarity", "alignment_score", "gaps_pct", "alignment_length")

FIGURES = (*(f"{measure}_{kind}" for kind in ("nw", "sw") for measure in _MEASURES), "length_query", "length_ref")
"""Columns of a table of figures: those of both alignments, then the residues of both sequences."""


_NO_PAIR = -1


@dataclass(frozen=True, slots=True, eq=False)
class NearestPairs:
    """Distinct pairs of query and nearest donor.

    Attributes
    ----------
    query_rows, reference_rows
        The pairs, ascending, shape ``(n_pairs,)``.
    pair_of
        Position of each candidate's pair among them, -1 for one that no reference gives, shape ``(n_candidates,)``.
    """

    query_rows: NDArray[np.int64]
    reference_rows: NDArray[np.int64]
    pair_of: NDArray[np.int64]


def nearest_pairs(candidates: Candidates) -> NearestPairs:
    """List the pairs that the features of candidates are figures of."""
    width = int(candidates.reference_row.max(initial=0)) + 1
    paired = np.flatnonzero(candidates.has_reference)
    keys, places = np.unique(
        candidates.query_row[paired] * width + candidates.reference_row[paired], return_inverse=True
    )
    pair_of = np.full(len(candidates), _NO_PAIR)
    pair_of[paired] = places
    return NearestPairs(keys // width, keys % width, pair_of)


def figure_table(figures: PairFigures) -> NDArray[np.float64]:
    """Put figures side by side in the order of `FIGURES`, shape ``(n_pairs, 12)``."""
    columns = [column for each in (figures.nw, figures.sw) for column in _columns(each)]
    return np.column_stack([*columns, figures.length_query, figures.length_reference]).astype(np.float64)


def figure_features(table: NDArray[np.float64], pairs: NearestPairs) -> dict[str, NDArray[np.float64]]:
    """Families ``alignment_nw`` and ``alignment_sw``; lengths are features of every prediction anyway."""
    padded = np.vstack([table, np.full(len(FIGURES), np.nan)])  # the last row is where `_NO_PAIR` looks
    return {name: padded[pairs.pair_of, column] for column, name in enumerate(FIGURES[: 2 * len(_MEASURES)])}


def _columns(figures: AlignmentFigures) -> tuple[NDArray[np.generic], ...]:
    return figures.identity, figures.similarity, figures.score, figures.gaps, figures.length
