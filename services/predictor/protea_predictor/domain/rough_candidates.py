"""Which pairs of a query and a reference may be among the nearest, by the rough distances of one tile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NearestBounds", "RoughDistances", "RoughPairs"]

_BLOCKS_PER_NEIGHBOUR = 32
"""Blocks that a tile is cut into, for each neighbour wanted.

Fewer blocks hold two of the nearest more often, which makes the limit looser, and more members to look at; of more
blocks there are more minima.
"""

_UNLIMITED = 1e38
"""Above any rough distance of vectors that are accepted."""

_LEFT_OUT = np.float32(3e38)
"""Value of what must not be found: above `_UNLIMITED`, and no infinity, whose product with 0 is no number."""


@dataclass(frozen=True, slots=True, eq=False)
class RoughPairs:
    """Pairs of a query and a reference, and what their distances are at least; arrays of shape ``(p,)``."""

    query_rows: NDArray[np.int64]
    reference_rows: NDArray[np.int64]
    lower: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.lower)

    @classmethod
    def joined(cls, parts: Sequence[RoughPairs]) -> RoughPairs:
        """Put the pairs of several tiles into one table."""
        return cls(
            np.concatenate([part.query_rows for part in parts]),
            np.concatenate([part.reference_rows for part in parts]),
            np.concatenate([part.lower for part in parts]),
        )


class NearestBounds:
    """Distances that the k nearest references of each query cannot exceed, from what was seen so far.

    Parameters
    ----------
    n_queries, k
        Queries, and neighbours wanted of each.
    """

    def __init__(self, n_queries: int, k: int) -> None:
        self.k = k
        self._nearest: NDArray[np.float64] = np.full((k, n_queries), np.inf)

    @property
    def kth(self) -> NDArray[np.float64]:
        """No less than the distance of the k-th nearest, ``inf`` where fewer were seen, shape ``(n_queries,)``."""
        kth: NDArray[np.float64] = self._nearest[-1]
        return kth

    def add(self, upper: NDArray[np.float64]) -> None:
        """Take upper bounds of the distances of further references, shape ``(m, n_queries)``."""
        self._nearest = _least(np.concatenate((self._nearest, upper)), self.k)


@dataclass(frozen=True, slots=True, eq=False)
class RoughDistances:
    """Float32 distances of the references of one tile to all queries.

    Attributes
    ----------
    start
        Reference row of the first row.
    values
        Distance less the query's offset, shape ``(n_tile, n_queries)``, float32.
    offsets
        What each query's values lack to be distances, shape ``(n_queries,)``.
    error
        How far a query's values can lie from the truth, same shape.
    step
        How far they can lie from it beyond that, as a share of the value.
    """

    start: int
    values: NDArray[np.float32]
    offsets: NDArray[np.float64]
    error: NDArray[np.float64]
    step: float

    def leave_out(self, excluded: NDArray[np.int64]) -> None:
        """Put the reference rows that a query must not find, shape ``(n_queries, e)``, infinitely far away."""
        in_tile = (excluded >= self.start) & (excluded < self.start + len(self.values))
        self.values[excluded[in_tile] - self.start, np.nonzero(in_tile)[0]] = _LEFT_OUT

    def candidates(self, pool: NDArray[np.int64], bounds: NearestBounds) -> RoughPairs:
        """Choose the pairs of query and pool member that may be among the k nearest; no other pair can.

        The minima of blocks of references do most of it: the k-th least of them is a bound, and few blocks have a
        member within it.

        Parameters
        ----------
        pool
            Reference rows searched, ascending.
        bounds
            What is known of the pool so far; learns from this tile.
        """
        first, last = np.searchsorted(pool, (self.start, self.start + len(self.values)))
        rows = pool[first:last]
        if len(rows) == 0:
            return RoughPairs(rows, rows, np.empty(0))
        values = self.values if len(rows) == len(self.values) else self.values[rows - self.start]
        size = -(-len(values) // (_BLOCKS_PER_NEIGHBOUR * bounds.k))
        minima = _block_minima(values, size)
        nearest = _least(minima, bounds.k).astype(np.float64)
        bounds.add(nearest + self.offsets + self._error_of(nearest, self.error))
        limits = self._largest_values(bounds.kth)
        members, query_rows = _within(values, minima, size=size, limits=limits)
        near = values[members, query_rows].astype(np.float64)
        lower = near + self.offsets[query_rows] - self._error_of(near, self.error[query_rows])
        return RoughPairs(query_rows, rows[members], lower)

    def _error_of(self, values: NDArray[np.float64], error: NDArray[np.float64]) -> NDArray[np.float64]:
        bound: NDArray[np.float64] = error + self.step * np.abs(values)
        return bound

    def _largest_values(self, distances: NDArray[np.float64]) -> NDArray[np.float32]:
        """Give the largest value that a pair may have whose distance is not more than this, by query."""
        values = distances - self.offsets + self.error
        values = np.where(values < 0, values / (1 + self.step), values / (1 - self.step))
        # Rounded up, so that a pair at the limit stays, but not as far as what is left out.
        rounded = np.minimum(values, _UNLIMITED).astype(np.float32)
        wider: NDArray[np.float32] = np.nextafter(rounded, np.float32(np.inf))
        return wider


def _least(values: NDArray[Any], k: int) -> NDArray[Any]:
    """Take the k least values of each column, the greatest of them last; all where there are no more."""
    return np.partition(values, k - 1, axis=0)[:k] if len(values) > k else values


def _block_minima(values: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Take the least value of each query in each block of ``size`` rows, the last of which may be smaller."""
    whole = len(values) // size
    minima = np.empty((-(-len(values) // size), values.shape[1]), dtype=np.float32)
    values[: whole * size].reshape(whole, size, values.shape[1]).min(axis=1, out=minima[:whole])
    if whole < len(minima):
        values[whole * size :].min(axis=0, out=minima[whole])
    return minima


def _within(
    values: NDArray[np.float32], minima: NDArray[np.float32], *, size: int, limits: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the rows and columns of the values that are within the limit of their column."""
    blocks, columns = np.divmod(np.flatnonzero(minima <= limits), len(limits))
    rows = blocks[:, None] * size + np.arange(size)
    # Rows beyond the last one, of a smaller last block, repeat it and do not count.
    is_near = (values[np.minimum(rows, len(values) - 1), columns[:, None]] <= limits[columns][:, None]) & (
        rows < len(values)
    )
    hits, members = np.nonzero(is_near)
    return rows[hits, members], columns[hits]
