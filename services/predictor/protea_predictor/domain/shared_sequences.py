"""From sequences that were chosen to the references that have them, since several proteins may share a sequence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.ragged import gather_rows, indptr_of

__all__ = ["rows_of_sequences"]


def rows_of_sequences(
    chosen: NDArray[np.int64], members: NDArray[np.int64], *, rows: NDArray[np.int64], limit: int
) -> NDArray[np.int64]:
    """Find the references that have the sequences chosen for each query.

    Parameters
    ----------
    chosen
        Sequences by query, padded with -1, shape ``(n, m)``.
    members
        Sequence of each reference of a pool, shape ``(p,)``.
    rows
        Row of each of them, ascending, same shape.
    limit
        References taken of one sequence, the first ones: they lie equally far, so no more can be neighbours.

    Returns
    -------
    rows
        By query, padded with -1; sequences that no reference of the pool has give none.
    """
    sequences, sequence_of = np.unique(members, return_inverse=True)
    by_sequence = rows[np.argsort(sequence_of, kind="stable")]
    indptr = indptr_of(np.sort(sequence_of), len(sequences))
    query_rows, columns = np.nonzero(np.isin(chosen, sequences))
    groups, positions = gather_rows(indptr, np.searchsorted(sequences, chosen[query_rows, columns]))
    is_taken = positions - np.repeat(positions[_firsts(groups)], np.bincount(groups)) < limit
    return _padded(query_rows[groups[is_taken]], by_sequence[positions[is_taken]], n_queries=len(chosen))


def _firsts(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.flatnonzero(np.diff(groups, prepend=-1))


def _padded(owners: NDArray[np.int64], values: NDArray[np.int64], *, n_queries: int) -> NDArray[np.int64]:
    """Lay values out as one row per ascending owner, filled up with -1."""
    indptr = indptr_of(owners, n_queries)
    padded = np.full((n_queries, int(np.diff(indptr).max(initial=0))), -1, dtype=np.int64)
    padded[owners, np.arange(len(owners)) - indptr[owners]] = values
    return padded
