"""Which references are searched for which aspect: one pool per aspect, or one for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.distance import DistanceMetric
from protea_common.domain.ontology import ASPECTS, Aspect, GoGraph
from protea_predictor.domain.chosen_neighbours import nearest_of_chosen
from protea_predictor.domain.distances import Vectors
from protea_predictor.domain.neighbours import Neighbours, nearest_in_pools
from protea_predictor.domain.reference_annotations import ReferenceAnnotations
from protea_predictor.domain.search_means import SearchMeans

__all__ = ["Pool", "PoolNeighbours", "build_pools", "search_pools"]


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """References among which donors for an aspect are sought.

    Attributes
    ----------
    aspect
        Aspect whose terms its members give; ``None`` for all three.
    reference_rows
        Members, ascending.
    """

    aspect: Aspect | None
    reference_rows: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class PoolNeighbours:
    """The neighbours found in a pool, which give terms of its aspect only."""

    aspect: Aspect | None
    neighbours: Neighbours


def build_pools(annotations: ReferenceAnnotations, graph: GoGraph, *, is_aspect_separated: bool) -> tuple[Pool, ...]:
    """Put each reference into the pool of every aspect it is annotated in, or all annotated ones into one pool.

    Returns
    -------
    pools
        In the order of `ASPECTS`, or the one shared pool; a pool may be empty.
    """
    if not is_aspect_separated:
        return (Pool(None, np.flatnonzero(np.diff(annotations.indptr))),)
    has_aspect = np.zeros((len(annotations.density), len(ASPECTS)), dtype=np.bool_)
    has_aspect[annotations.owners, graph.aspects[annotations.term_rows]] = True
    return tuple(Pool(aspect, np.flatnonzero(has_aspect[:, column])) for column, aspect in enumerate(ASPECTS))


def search_pools(
    queries: Vectors,
    references: Vectors,
    pools: Sequence[Pool],
    *,
    k: int,
    excluded: NDArray[np.int64] | None = None,
    metric: DistanceMetric = DistanceMetric.COSINE,
    distance_threshold: float | None = None,
    means: SearchMeans | None = None,
    chosen: Sequence[NDArray[np.int64]] | None = None,
) -> tuple[PoolNeighbours, ...]:
    """Find the k nearest references of each query in each pool.

    Parameters and errors are those of `nearest_in_pools`; the result is in the order of the pools. ``chosen`` are the
    only rows of each pool that are compared with each query, as `nearest_of_chosen` takes them; ``None`` compares all,
    by ``means``.
    """
    found: Sequence[Neighbours]
    if chosen is None:
        rows = [pool.reference_rows for pool in pools]
        means = means or SearchMeans()
        found = nearest_in_pools(
            queries,
            references,
            pools=rows,
            k=k,
            excluded=excluded,
            metric=metric,
            distance_threshold=distance_threshold,
            threads=means.threads,
            products=means.products,
            prepared=means.prepared,
        )
    else:
        rank = partial(nearest_of_chosen, queries, references, k=k, excluded=excluded, metric=metric)
        found = [rank(rows, distance_threshold=distance_threshold) for rows in chosen]
    return tuple(PoolNeighbours(pool.aspect, neighbours) for pool, neighbours in zip(pools, found, strict=True))
