"""Exact nearest neighbours by tiled matrix multiplication, in one pass over the references for any number of pools."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.distance import DistanceMetric
from protea_predictor.domain.distances import Vectors, exact_distances
from protea_predictor.domain.errors import require_shape
from protea_predictor.domain.ragged import group_starts
from protea_predictor.domain.rough_candidates import NearestBounds, RoughDistances, RoughPairs
from protea_predictor.domain.rough_distances import RoughMeasure, RoughQueries, RoughReferences
from protea_predictor.domain.rough_products import SINGLE_PRECISION, RoughProducts

__all__ = ["DEFAULT_TILE_ROWS", "Neighbours", "merge_neighbours", "nearest_in_pools", "nearest_neighbours"]

DEFAULT_TILE_ROWS = 4096
"""References compared at once; the rough distances take ``n_queries * tile_rows * 4`` bytes.

Smaller tiles starve the matrix multiplication, larger ones leave the processor's cache.
"""

_PENDING_PAIRS_MAX = 1 << 20
"""Pairs of a pool that wait for their exact distance; only where very many references tie are there as many."""


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The nearest references of each query.

    Attributes
    ----------
    distances
        Shape ``(n_queries, k)``, float64, ascending along axis 1; ``inf`` where there is no neighbour.
    rows
        Row of each neighbour among the references, same shape, int64; equally distant ones by ascending row; ``-1``
        where there is no neighbour.
    """

    distances: NDArray[np.float64]
    rows: NDArray[np.int64]

    @classmethod
    def none(cls, n_queries: int, k: int) -> Neighbours:
        """Give no query a neighbour yet."""
        return cls(np.full((n_queries, k), np.inf), np.full((n_queries, k), -1, dtype=np.int64))

    def within(self, distance_threshold: float) -> Neighbours:
        """Drop the neighbours that lie farther away than the threshold."""
        is_near = self.distances <= distance_threshold
        return Neighbours(np.where(is_near, self.distances, np.inf), np.where(is_near, self.rows, -1))


def nearest_neighbours(
    queries: Vectors,
    references: Vectors,
    *,
    k: int,
    excluded: NDArray[np.int64] | None = None,
    metric: DistanceMetric = DistanceMetric.COSINE,
    distance_threshold: float | None = None,
    tile_rows: int = DEFAULT_TILE_ROWS,
    threads: int = 1,
    products: RoughProducts = SINGLE_PRECISION,
    prepared: RoughReferences | None = None,
) -> Neighbours:
    """Find the nearest references of each query among all references.

    Parameters and errors are those of `nearest_in_pools`.
    """
    everything = np.arange(len(references), dtype=np.int64)
    (found,) = nearest_in_pools(
        queries,
        references,
        pools=(everything,),
        k=k,
        excluded=excluded,
        metric=metric,
        distance_threshold=distance_threshold,
        tile_rows=tile_rows,
        threads=threads,
        products=products,
        prepared=prepared,
    )
    return found


def nearest_in_pools(
    queries: Vectors,
    references: Vectors,
    *,
    pools: Sequence[NDArray[np.int64]],
    k: int,
    excluded: NDArray[np.int64] | None = None,
    metric: DistanceMetric = DistanceMetric.COSINE,
    distance_threshold: float | None = None,
    tile_rows: int = DEFAULT_TILE_ROWS,
    threads: int = 1,
    products: RoughProducts = SINGLE_PRECISION,
    prepared: RoughReferences | None = None,
) -> tuple[Neighbours, ...]:
    """Find the nearest references of each query in each of several pools.

    Rough products choose who may be among the nearest, with a bound on their error; float64 decides. So the result is
    the one a full sort of the exact distances gives, whatever the products and the tile, and the pools share one
    multiplication.

    Parameters
    ----------
    queries, references
        Vectors, shapes ``(n, D)`` and ``(m, D)``.
    pools
        Reference rows of each pool, ascending and distinct.
    k
        Neighbours per query and pool, at least 1.
    excluded
        Reference rows each query must not find, shape ``(n, e)``, padded with -1.
    metric
        Which distance.
    distance_threshold
        Neighbours farther away are dropped; ``None`` keeps all.
    tile_rows
        References compared at once, by all threads together.
    threads
        Tiles worked on at once. The multiplication itself should then be left one thread (``OMP_NUM_THREADS=1``): of
        several it shares out the product alone, and none of what comes before and after it.
    products
        What multiplies.
    prepared
        The references made ready for this metric, if many searches follow: their memory again, and a tenth of a large
        search's time, more of a small one's. ``products`` are then those they were made ready for.

    Returns
    -------
    neighbours
        One per pool, in the order of the pools.

    Raises
    ------
    ShapeMismatchError
        If queries and references differ in dimensions, or ``excluded`` has not one row per query.
    InvalidVectorError
        If a vector is not finite, or longer than 1e15.
    """
    _require_matching(queries, references, excluded)
    measure = RoughMeasure.of(references, metric, products) if prepared is None else prepared.measure
    search = _Search(measure.queries(queries), queries, references, pools, excluded, k, prepared)
    tile_rows = max(1, tile_rows // threads)
    starts = range(0, len(references), tile_rows)
    if threads == 1:
        found = search.over(starts, tile_rows=tile_rows)
    else:
        with ThreadPoolExecutor(threads) as executor:
            parts = executor.map(
                partial(search.over, tile_rows=tile_rows), (starts[n::threads] for n in range(threads))
            )
            found = [reduce(_united, part) for part in zip(*parts, strict=True)]
    if distance_threshold is not None:
        found = [neighbours.within(distance_threshold) for neighbours in found]
    return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """What the tiles are compared with; the arguments of `nearest_in_pools`."""

    rough_queries: RoughQueries
    queries: Vectors
    references: Vectors
    pools: Sequence[NDArray[np.int64]]
    excluded: NDArray[np.int64] | None
    k: int
    prepared: RoughReferences | None

    def over(self, starts: Sequence[int], *, tile_rows: int) -> list[Neighbours]:
        """Find the nearest in each pool among the tiles that start at these rows."""
        pools = [_PoolSearch(self, pool) for pool in self.pools]
        scratch = np.empty(len(self.queries) * min(tile_rows, len(self.references)), dtype=np.float32)
        for start in starts:
            rough = self.rough_queries.against(self._tile(start, start + tile_rows), start=start, scratch=scratch)
            if self.excluded is not None:
                rough.leave_out(self.excluded)
            for pool in pools:
                pool.compare(rough)
        return [pool.decided() for pool in pools]

    def _tile(self, start: int, stop: int) -> RoughReferences:
        if self.prepared is not None:
            return self.prepared.tile(start, stop)
        return self.rough_queries.measure.references(self.references[start:stop])


class _PoolSearch:
    """What is known of the nearest in one pool while the tiles go by."""

    def __init__(self, search: _Search, pool: NDArray[np.int64]) -> None:
        self._search = search
        self._pool = pool
        self._bounds = NearestBounds(len(search.queries), search.k)
        self._pending: list[RoughPairs] = []
        self._found = Neighbours.none(len(search.queries), search.k)

    def compare(self, rough: RoughDistances) -> None:
        """Choose what may be among the nearest in one tile."""
        self._pending.append(rough.candidates(self._pool, self._bounds))
        if sum(map(len, self._pending)) > _PENDING_PAIRS_MAX:
            self.decided()

    def decided(self) -> Neighbours:
        """Compute exactly what may be among the nearest so far, and rank it."""
        if self._pending:
            pairs = RoughPairs.joined(self._pending)
            limits = np.minimum(self._bounds.kth, self._found.distances[:, -1])
            is_near = pairs.lower <= limits[pairs.query_rows]
            self._found = self._merged(pairs.query_rows[is_near], pairs.reference_rows[is_near])
            self._pending = []
        return self._found

    def _merged(self, query_rows: NDArray[np.int64], rows: NDArray[np.int64]) -> Neighbours:
        search = self._search
        distances = exact_distances(
            search.queries,
            search.references,
            query_rows=query_rows,
            reference_rows=rows,
            metric=search.rough_queries.measure.metric,
        )
        return merge_neighbours(self._found, query_rows=query_rows, rows=rows, distances=distances)


def _united(first: Neighbours, second: Neighbours) -> Neighbours:
    """Keep the k nearest of two searches over different references."""
    query_rows, ranks = np.nonzero(second.rows >= 0)
    return merge_neighbours(
        first, query_rows=query_rows, rows=second.rows[query_rows, ranks], distances=second.distances[query_rows, ranks]
    )


def _require_matching(queries: Vectors, references: Vectors, excluded: NDArray[np.int64] | None) -> None:
    require_shape(
        queries.shape[1:] == references.shape[1:] and queries.ndim == 2,  # noqa: PLR2004 - rows of vectors
        f"Queries have shape {queries.shape}, references {references.shape}; embed both with the same recipe.",
    )
    if excluded is not None:
        require_shape(
            len(excluded) == len(queries),
            f"{len(excluded)} rows of exclusions for {len(queries)} queries; give one per query.",
        )


def merge_neighbours(
    best: Neighbours, *, query_rows: NDArray[np.int64], rows: NDArray[np.int64], distances: NDArray[np.float64]
) -> Neighbours:
    """Keep the k nearest of those known and those that came."""
    if len(rows) == 0:
        return best
    n_queries, k = best.rows.shape
    known_queries, known_ranks = np.nonzero(best.rows >= 0)
    query_rows = np.concatenate((known_queries, query_rows))
    rows = np.concatenate((best.rows[known_queries, known_ranks], rows))
    distances = np.concatenate((best.distances[known_queries, known_ranks], distances))
    order = np.lexsort((rows, distances, query_rows))
    starts = group_starts(query_rows[order])
    ranks = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    kept, ranks = order[ranks < k], ranks[ranks < k]
    merged = Neighbours.none(n_queries, k)
    merged.distances[query_rows[kept], ranks] = distances[kept]
    merged.rows[query_rows[kept], ranks] = rows[kept]
    return merged
