"""Putting candidates of another origin among those that there are, by query and term."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.candidates import Candidates

__all__ = ["merge_candidates", "spread_indptr", "spread_of"]


def merge_candidates(
    candidates: Candidates, added: Mapping[str, NDArray[Any]], *, places: NDArray[np.int64], n: int
) -> Candidates:
    """Put known candidates at their places and the added ones, which come in order, at the others.

    Parameters
    ----------
    added
        Columns of the added candidates by the name of the field; they have no donors among the neighbours.
    places
        Where each known candidate goes, ascending.
    n
        Candidates of both kinds.
    """
    is_known = np.zeros(n, dtype=np.bool_)
    is_known[places] = True
    columns = {}
    for name, values in added.items():
        known = getattr(candidates, name)
        columns[name] = np.empty(n, dtype=known.dtype)
        columns[name][is_known], columns[name][~is_known] = known, values
    ledger = replace(candidates.donors, indptr=spread_indptr(candidates.donors.indptr, places, n))
    return Candidates(**columns, donors=ledger)


def spread_indptr(indptr: NDArray[np.int64], places: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Boundaries of ``n`` rows of which those at ``places`` are the given ones, the others empty."""
    counts = np.zeros(n, dtype=np.int64)
    counts[places] = np.diff(indptr)
    return np.concatenate(([0], np.cumsum(counts)))


def spread_of(candidates: Candidates, query_row: NDArray[np.int64]) -> NDArray[np.float64]:
    """Spread of the query's neighbours, which all its candidates share; 0 for a query without any."""
    spread = np.zeros(1 + max(int(rows.max(initial=0)) for rows in (candidates.query_row, query_row)))
    spread[candidates.query_row] = candidates.neighbor_distance_std
    return spread[query_row]
