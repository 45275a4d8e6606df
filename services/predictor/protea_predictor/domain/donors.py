"""The neighbours of all pools as one table of donors, with their ranks counted in proteins and in sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS
from protea_predictor.domain.errors import require_shape
from protea_predictor.domain.pools import PoolNeighbours

__all__ = ["ANY_ASPECT", "Donors", "SequenceIds", "distance_spread", "list_donors"]

ANY_ASPECT = -1
"""Stands for all aspects where a position in `ASPECTS` is meant."""


@dataclass(frozen=True, slots=True, eq=False)
class SequenceIds:
    """Which sequence each protein has; proteins of one sequence share its id.

    Attributes
    ----------
    queries, references
        Ids, shapes ``(n_queries,)`` and ``(n_references,)``. A query whose sequence is not stored has an id that no
        reference has.
    """

    queries: NDArray[np.int64]
    references: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Donors:
    """Neighbours of all pools; all arrays of shape ``(n_donors,)``, described in `DonorLedger`.

    Attributes
    ----------
    aspect
        Position in `ASPECTS` of the aspect whose terms the donor gives, or `ANY_ASPECT`.
    """

    query_row: NDArray[np.int64]
    reference_row: NDArray[np.int64]
    distance: NDArray[np.float64]
    k_position: NDArray[np.int64]
    sequence_rank: NDArray[np.int64]
    same_sequence: NDArray[np.bool_]
    aspect: NDArray[np.int8]


def list_donors(found: Sequence[PoolNeighbours], sequences: SequenceIds) -> Donors:
    """List the neighbours of all pools, pool by pool, each by query and rank.

    Raises
    ------
    ShapeMismatchError
        If there is no pool, the pools differ in queries or K, or the sequences do not fit the queries.
    """
    shapes = {pool.neighbours.rows.shape for pool in found}
    require_shape(len(shapes) == 1, f"Pools have neighbours of shapes {sorted(shapes)}; search all with the same K.")
    (n_queries, _) = next(iter(shapes))
    require_shape(
        len(sequences.queries) == n_queries,
        f"{len(sequences.queries)} sequence ids for {n_queries} queries; give one per query.",
    )
    tables = [_pool_donors(pool, sequences) for pool in found]
    return Donors(*(np.concatenate(columns) for columns in zip(*tables, strict=True)))


def distance_spread(found: Sequence[PoolNeighbours]) -> NDArray[np.float64]:
    """Compute the population standard deviation of a query's distances over all pools; 0 for one or none."""
    distances = np.concatenate([pool.neighbours.distances for pool in found], axis=1)
    is_found = np.isfinite(distances)
    counts = np.maximum(is_found.sum(axis=1), 1)
    means = distances.sum(axis=1, where=is_found) / counts
    squares = np.subtract(distances, means[:, None], out=np.zeros_like(distances), where=is_found) ** 2
    spread: NDArray[np.float64] = np.sqrt(squares.sum(axis=1) / counts)
    return spread


def _pool_donors(pool: PoolNeighbours, sequences: SequenceIds) -> tuple[NDArray[np.generic], ...]:
    """Columns of `Donors`, in its order."""
    query_row, rank = np.nonzero(pool.neighbours.rows >= 0)
    reference_row = pool.neighbours.rows[query_row, rank]
    aspect = ANY_ASPECT if pool.aspect is None else ASPECTS.index(pool.aspect)
    return (
        query_row,
        reference_row,
        pool.neighbours.distances[query_row, rank],
        rank + 1,
        _sequence_ranks(pool.neighbours.rows, sequences.references)[query_row, rank],
        sequences.queries[query_row] == sequences.references[reference_row],
        np.full(len(query_row), aspect, dtype=np.int8),
    )


def _sequence_ranks(rows: NDArray[np.int64], sequence_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rank each neighbour's sequence by its first appearance, 1-based; what pads the rows ranks somewhere."""
    if len(sequence_ids) == 0:
        return np.ones_like(rows)
    neighbours = sequence_ids[rows]
    first_seen = (neighbours[:, :, None] == neighbours[:, None, :]).argmax(axis=2)
    is_new = first_seen == np.arange(rows.shape[1])
    ranks: NDArray[np.int64] = np.take_along_axis(np.cumsum(is_new, axis=1), first_seen, axis=1)
    return ranks
