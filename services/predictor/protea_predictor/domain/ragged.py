"""Rows of different length in one array, as in CSR: row ``r`` is ``values[indptr[r]:indptr[r + 1]]``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["distinct_keys", "gather_rows", "group_starts", "holds", "indptr_of"]


def indptr_of(owners: NDArray[np.integer], n_rows: int) -> NDArray[np.int64]:
    """Row boundaries, shape ``(n_rows + 1,)``, of members whose ascending owners are given."""
    indptr = np.zeros(n_rows + 1, dtype=np.int64)
    np.cumsum(np.bincount(owners, minlength=n_rows), out=indptr[1:])
    return indptr


def gather_rows(indptr: NDArray[np.int64], rows: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the members of the given rows, without a loop.

    Parameters
    ----------
    indptr
        Row boundaries, shape ``(n_rows + 1,)``.
    rows
        Rows wanted, in any order and as often as wanted, shape ``(n,)``.

    Returns
    -------
    owners
        Position in ``rows`` that each member belongs to, ascending.
    positions
        Position of each member in the array of values, same shape.
    """
    lengths = indptr[rows + 1] - indptr[rows]
    owners = np.repeat(np.arange(len(rows), dtype=np.int64), lengths)
    shift = indptr[rows] - (np.cumsum(lengths) - lengths)
    return owners, np.arange(len(owners), dtype=np.int64) + shift[owners]


def group_starts(keys: NDArray[np.integer]) -> NDArray[np.int64]:
    """Positions at which a new value begins in ascending keys; no keys have none."""
    changes = np.ones(len(keys), dtype=np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=changes[1:])
    return np.flatnonzero(changes)


def distinct_keys(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort keys and leave repeated ones out; `numpy.unique` hashes, which takes many times as long for millions."""
    ascending = np.sort(keys)
    distinct: NDArray[np.int64] = ascending[group_starts(ascending)]
    return distinct


def holds(ascending: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which of the wanted keys, in any order, are among ascending ones; `numpy.isin` hashes as well."""
    if len(ascending) == 0:
        return np.zeros(len(wanted), dtype=np.bool_)
    places = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
    is_held: NDArray[np.bool_] = ascending[places] == wanted
    return is_held
