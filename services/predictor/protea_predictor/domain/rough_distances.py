"""Rough distances of all queries to a tile of references: which of them may be among the nearest, and which not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.distance import DistanceMetric
from protea_predictor.domain.distances import SMALLEST_SQUARED_NORM, Vectors
from protea_predictor.domain.errors import InvalidVectorError

__all__ = ["RoughDistances", "RoughPairs", "RoughQueries", "RoughReferences"]

_LARGEST_SQUARED_NORM = 1e30
"""Vectors longer than its root are refused: their products would overflow in float32."""

_ROWS_PER_BLOCK = 1024
"""References prepared at once: 4 MB of a thousand dimensions, which stay in the processor's cache between the steps."""

_FLOAT32_STEP = 2.0**-24
_FLOAT64_STEP = 2.0**-53
_SMALLEST_FLOAT32 = 2.0**-149
_UNLIMITED = 1e38
"""Above any rough distance of vectors that are accepted, below what float32 can hold."""


@dataclass(frozen=True, slots=True, eq=False)
class RoughPairs:
    """Pairs of a query and a reference, and between which values their distances lie; arrays of shape ``(p,)``."""

    query_rows: NDArray[np.int64]
    reference_rows: NDArray[np.int64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: Sequence[RoughPairs]) -> RoughPairs:
        """Put the pairs of several tiles into one table."""
        return cls(
            np.concatenate([part.query_rows for part in parts]),
            np.concatenate([part.reference_rows for part in parts]),
            lower=np.concatenate([part.lower for part in parts]),
            upper=np.concatenate([part.upper for part in parts]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class RoughDistances:
    """Float32 distances of all queries to the references of one tile.

    Attributes
    ----------
    start
        Reference row of the first column.
    values
        Distance less the query's offset, shape ``(n_queries, n_tile)``, float32.
    offsets
        What each query's values lack to be distances, shape ``(n_queries,)``.
    error
        How far a query's values can lie from the truth, same shape.
    """

    start: int
    values: NDArray[np.float32]
    offsets: NDArray[np.float64]
    error: NDArray[np.float64]

    def leave_out(self, excluded: NDArray[np.int64]) -> None:
        """Put the reference rows that a query must not find, shape ``(n_queries, e)``, infinitely far away."""
        in_tile = (excluded >= self.start) & (excluded < self.start + self.values.shape[1])
        self.values[np.nonzero(in_tile)[0], excluded[in_tile] - self.start] = np.inf

    def candidates(self, pool: NDArray[np.int64], *, kth_distances: NDArray[np.float64], k: int) -> RoughPairs:
        """Choose the pairs of query and pool member that may be among the k nearest; no other pair can.

        Parameters
        ----------
        pool
            Reference rows searched, ascending.
        kth_distances
            No less than the distance of the k-th nearest reference known so far, ``inf`` where there are fewer, shape
            ``(n_queries,)``.
        k
            Neighbours wanted.
        """
        first, last = np.searchsorted(pool, (self.start, self.start + self.values.shape[1]))
        columns = pool[first:last] - self.start
        values = self.values if len(columns) == self.values.shape[1] else self.values[:, columns]
        limits = kth_distances - self.offsets + self.error
        if len(columns) >= k and np.isinf(limits).any():
            kth = np.partition(values, k - 1, axis=1)[:, k - 1].astype(np.float64)
            limits = np.minimum(limits, kth + 2 * self.error)
        # Half the time of a two-dimensional `nonzero`, which is much: nearly all pairs are looked at and left out.
        positions = np.flatnonzero(values <= _as_float32(limits)[:, None])
        query_rows, hits = np.divmod(positions, max(values.shape[1], 1))
        distances = values[query_rows, hits] + self.offsets[query_rows]
        error = self.error[query_rows]
        return RoughPairs(query_rows, pool[first:last][hits], lower=distances - error, upper=distances + error)


@dataclass(frozen=True, slots=True, eq=False)
class RoughReferences:
    """References made ready for the multiplication, once for many searches. Instances come from `of`.

    Attributes
    ----------
    vectors
        Of unit length for the cosine, shape ``(m, D)``, float32.
    squared_norms
        Squared lengths before, shape ``(m,)``.
    """

    vectors: NDArray[np.float32]
    squared_norms: NDArray[np.float32]

    @classmethod
    def of(cls, references: Vectors, metric: DistanceMetric) -> RoughReferences:
        """Prepare references, a block at a time.

        Raises
        ------
        InvalidVectorError
            If a reference is not finite, or longer than 1e15.
        """
        vectors = np.empty(references.shape, dtype=np.float32)
        squared_norms = np.empty(len(references), dtype=np.float32)
        for start in range(0, len(references), _ROWS_PER_BLOCK):
            block = slice(start, start + _ROWS_PER_BLOCK)
            vectors[block] = references[block]
            squared_norms[block] = _squared_norms(vectors[block], "reference")
            if metric is DistanceMetric.COSINE:
                _unit(vectors[block], squared_norms[block], out=vectors[block])
        return cls(vectors, squared_norms)

    def __len__(self) -> int:
        return len(self.vectors)

    def tile(self, start: int, stop: int) -> RoughReferences:
        """Take some of them; nothing is copied."""
        return RoughReferences(self.vectors[start:stop], self.squared_norms[start:stop])


@dataclass(frozen=True, slots=True, eq=False)
class RoughQueries:
    """Queries made ready for one matrix multiplication per tile. Instances come from `of`.

    Attributes
    ----------
    factors
        Left operand of the product, shape ``(n_queries, D)``, float32.
    offsets
        What a rough value lacks to be a distance, shape ``(n_queries,)``.
    norms
        Lengths of the queries, same shape.
    """

    metric: DistanceMetric
    factors: NDArray[np.float32]
    offsets: NDArray[np.float64]
    norms: NDArray[np.float64]

    @classmethod
    def of(cls, queries: Vectors, metric: DistanceMetric) -> RoughQueries:
        """Prepare the queries.

        Raises
        ------
        InvalidVectorError
            If a query is not finite, or longer than 1e15.
        """
        vectors = np.ascontiguousarray(queries, dtype=np.float32)
        squared_norms = _squared_norms(vectors, "query")
        # In float64: an error here would shift a query's limit and be in no bound.
        offsets = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
        norms = np.sqrt(offsets)
        match metric:
            case DistanceMetric.COSINE:
                return cls(metric, -_unit(vectors, squared_norms), np.ones(len(vectors)), norms)
            case DistanceMetric.L2:
                return cls(metric, -2 * vectors, offsets, norms)

    def against(self, tile: RoughReferences, *, start: int, scratch: NDArray[np.float32]) -> RoughDistances:
        """Compare all queries with the references from row ``start`` on that stand in the tile.

        Parameters
        ----------
        scratch
            Room for the values, at least ``n_queries * n_tile`` of them, which the next call may overwrite: memory
            that is new to the process costs a tenth of the multiplication.
        """
        shape = len(self.factors), len(tile)
        values = np.matmul(self.factors, tile.vectors.T, out=scratch[: shape[0] * shape[1]].reshape(shape))
        match self.metric:
            case DistanceMetric.COSINE:
                return RoughDistances(start, values, self.offsets, np.full(len(values), self._rounding()))
            case DistanceMetric.L2:
                values += tile.squared_norms
                longest = float(np.sqrt(tile.squared_norms.max(initial=0.0)))
                return RoughDistances(start, values, self.offsets, self._squared_error(longest))

    def _rounding(self) -> float:
        """Bound of the relative error of a float32 product of D terms, twice over for the two lengths.

        Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1: |error| <= D u |q||r|, in any order.
        """
        return float(2 * self.factors.shape[1] + 16) * _FLOAT32_STEP

    def _squared_error(self, longest: float) -> NDArray[np.float64]:
        """As `_rounding` for squared distances, with what float64 loses when a query is far longer than a reference."""
        dimensions = self.factors.shape[1]
        rough = self._rounding() * (longest**2 + 2 * self.norms * longest)
        exact = 4 * dimensions * _FLOAT64_STEP * (longest + self.norms) ** 2
        bound: NDArray[np.float64] = rough + exact + 4 * dimensions * _SMALLEST_FLOAT32
        return bound


def _as_float32(limits: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round up, so that a pair at the limit stays, but below infinity, so that what is left out does not."""
    rounded = np.minimum(limits, _UNLIMITED).astype(np.float32)
    wider: NDArray[np.float32] = np.nextafter(rounded, np.float32(np.inf))
    return wider


def _squared_norms(vectors: NDArray[np.float32], role: str) -> NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):
        squared: NDArray[np.float32] = np.einsum("ij,ij->i", vectors, vectors)
    is_bad = ~(squared <= _LARGEST_SQUARED_NORM)
    if is_bad.any():
        raise InvalidVectorError(
            f"{int(is_bad.sum())} {role} vectors are not finite or longer than 1e15; compute these embeddings again."
        )
    return squared


def _unit(
    vectors: NDArray[np.float32], squared_norms: NDArray[np.float32], *, out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    is_defined = squared_norms >= SMALLEST_SQUARED_NORM
    inverse_norms = np.divide(1.0, np.sqrt(squared_norms), out=np.zeros_like(squared_norms), where=is_defined)
    return np.multiply(vectors, inverse_norms[:, None], out=out)
