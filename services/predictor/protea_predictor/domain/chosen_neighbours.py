"""Exact distances to references that an index has chosen, so that every backend ranks and reports alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.distance import DistanceMetric
from protea_predictor.domain.distances import Vectors, exact_distances
from protea_predictor.domain.errors import require_shape
from protea_predictor.domain.neighbours import Neighbours, merge_neighbours

__all__ = ["nearest_of_chosen"]


def nearest_of_chosen(
    queries: Vectors,
    references: Vectors,
    chosen: NDArray[np.int64],
    *,
    k: int,
    excluded: NDArray[np.int64] | None = None,
    metric: DistanceMetric = DistanceMetric.COSINE,
    distance_threshold: float | None = None,
) -> Neighbours:
    """Find the nearest among the references that were chosen for each query.

    Parameters
    ----------
    chosen
        Reference rows by query, in any order, repeats allowed, padded with -1, shape ``(n, m)``.
    queries, references, k, excluded, metric, distance_threshold
        As in `nearest_in_pools`.

    Returns
    -------
    neighbours
        What a full search gives, as far as the choice holds it: distances in double precision, ties by row.

    Raises
    ------
    ShapeMismatchError
        If there is not one row of choices per query.
    """
    require_shape(
        len(chosen) == len(queries), f"{len(chosen)} rows of choices for {len(queries)} queries; give one per query."
    )
    is_wanted = chosen >= 0
    if excluded is not None:
        is_wanted &= ~(chosen[:, :, None] == excluded[:, None, :]).any(axis=2)
    query_rows = np.broadcast_to(np.arange(len(queries))[:, None], chosen.shape)[is_wanted]
    pairs = np.unique(np.stack([query_rows, chosen[is_wanted]]), axis=1)
    distances = exact_distances(queries, references, query_rows=pairs[0], reference_rows=pairs[1], metric=metric)
    found = merge_neighbours(Neighbours.none(len(queries), k), query_rows=pairs[0], rows=pairs[1], distances=distances)
    return found if distance_threshold is None else found.within(distance_threshold)
