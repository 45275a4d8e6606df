"""The distances between vectors, and how they are computed exactly."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.distance import DistanceMetric

__all__ = ["SMALLEST_SQUARED_NORM", "Vectors", "exact_distances"]

Vectors: TypeAlias = NDArray[np.floating[Any]]
"""Vectors as rows, shape ``(n, D)``, float16 or float32; may be memory-mapped."""

SMALLEST_SQUARED_NORM = 1e-30
"""Vectors shorter than its root count as zero: their squares would vanish in float32."""

_VALUES_PER_CHUNK = 1 << 16
"""Vector components per step of the exact distances: 512 KiB per operand, which stay in the processor's cache."""


def exact_distances(
    queries: Vectors,
    references: Vectors,
    *,
    query_rows: NDArray[np.int64],
    reference_rows: NDArray[np.int64],
    metric: DistanceMetric,
) -> NDArray[np.float64]:
    """Compute the distances of chosen pairs in float64.

    Each pair is computed alone, so equal vectors have equal distances, bit for bit, whatever stands beside them.

    Parameters
    ----------
    queries, references
        Vectors, shapes ``(n, D)`` and ``(m, D)``.
    query_rows, reference_rows
        The pairs, shape ``(p,)`` each.
    metric
        Which distance.

    Returns
    -------
    distances
        Shape ``(p,)``; exactly 0 for a vector and itself.
    """
    distances = np.empty(len(query_rows), dtype=np.float64)
    step = max(1, _VALUES_PER_CHUNK // max(1, queries.shape[1]))
    for start in range(0, len(query_rows), step):
        chunk = slice(start, start + step)
        left = queries[query_rows[chunk]].astype(np.float64, order="C")
        right = references[reference_rows[chunk]].astype(np.float64, order="C")
        match metric:
            case DistanceMetric.COSINE:
                distances[chunk] = _cosine_distances(left, right)
            case DistanceMetric.L2:
                distances[chunk] = _row_sums((left - right) ** 2)
    return distances


def _cosine_distances(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    squared_left, squared_right = _row_sums(left * left), _row_sums(right * right)
    is_defined = (squared_left >= SMALLEST_SQUARED_NORM) & (squared_right >= SMALLEST_SQUARED_NORM)
    # The root of the product, not the product of the roots: only so is a vector's cosine with itself exactly 1.
    lengths = np.sqrt(squared_left * squared_right)
    cosines = np.divide(_row_sums(left * right), lengths, out=np.zeros_like(lengths), where=is_defined)
    return np.clip(1.0 - cosines, 0.0, 2.0)


def _row_sums(products: NDArray[np.float64]) -> NDArray[np.float64]:
    # Adds along contiguous memory in an order that depends on D alone; einsum and BLAS promise no such thing.
    sums: NDArray[np.float64] = products.sum(axis=1)
    return sums
