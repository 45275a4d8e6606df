"""Rows of different length in one array, as in CSR: row ``r`` is ``values[indptr[r]:indptr[r + 1]]``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["gather_rows", "group_starts", "indptr_of"]


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
