"""Indexes of faiss over one pool of references: exact, by inverted lists, by a graph."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.distance import DistanceMetric
from protea_common.errors import PermanentError
from protea_predictor.domain.distances import Vectors

__all__ = ["FaissChoices", "FaissIndex", "FaissMissingError", "IndexType"]

_ROWS_PER_ADD = 16_384
"""References converted to single precision at once; more only costs memory."""

_TRAINING_POINTS = 39
"""Points that faiss wants for each inverted list; with fewer it warns that the lists are poor."""

_SEED = 1234


class FaissMissingError(PermanentError):
    """The search asked for needs faiss, which is not installed."""

    slug: ClassVar[str] = "faiss-missing"


class IndexType(StrEnum):
    """Kinds of indexes: ``Flat`` compares all, the others trade recall for speed."""

    FLAT = "Flat"
    IVF_FLAT = "IVFFlat"
    HNSW = "HNSW"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaissChoices:
    """How an index is made and searched.

    Attributes
    ----------
    index_type
        Which kind.
    nlist, nprobe
        Inverted lists, and how many of them a query looks into.
    hnsw_m, hnsw_ef_search
        Links of a node, and nodes that a search keeps at hand.
    """

    index_type: IndexType = IndexType.FLAT
    nlist: int = 100
    nprobe: int = 10
    hnsw_m: int = 32
    hnsw_ef_search: int = 64


class FaissIndex:
    """Chooses neighbours within one pool.

    Parameters
    ----------
    references
        Vectors, shape ``(m, D)``.
    pool
        Rows that are searched, ascending.
    metric
        Cosine compares unit vectors.
    choices
        How.

    Raises
    ------
    FaissMissingError
        If faiss is not installed.
    """

    def __init__(
        self, references: Vectors, pool: NDArray[np.int64], *, metric: DistanceMetric, choices: FaissChoices
    ) -> None:
        self._pool = pool
        self._metric = metric
        self._index = _empty_index(references.shape[1], len(pool), metric, choices)
        if len(pool) and not self._index.is_trained:
            self._index.train(_prepared(references[_training_rows(pool, choices.nlist)], metric))
        for start in range(0, len(pool), _ROWS_PER_ADD):
            self._index.add(_prepared(references[pool[start : start + _ROWS_PER_ADD]], metric))

    def choose(self, queries: Vectors, count: int) -> NDArray[np.int64]:
        """Choose references for each query.

        Parameters
        ----------
        count
            How many; ask for more than are wanted, since those that a query may not find are among them.

        Returns
        -------
        rows
            Reference rows, padded with -1, shape ``(n, min(count, len(pool)))``.
        """
        count = min(count, len(self._pool))
        if count == 0 or len(queries) == 0:
            return np.empty((len(queries), count), dtype=np.int64)
        _, positions = self._index.search(_prepared(queries, self._metric), count)
        return np.where(positions >= 0, self._pool[positions], -1)


def _empty_index(dimension: int, size: int, metric: DistanceMetric, choices: FaissChoices) -> Any:
    try:
        import faiss
    except ImportError as exc:
        raise FaissMissingError(
            "search_backend=faiss needs faiss: pip install 'protea[predictor]', or choose search_backend=numpy."
        ) from exc
    measure = faiss.METRIC_L2 if metric is DistanceMetric.L2 else faiss.METRIC_INNER_PRODUCT
    match choices.index_type:
        case IndexType.FLAT:
            return faiss.IndexFlat(dimension, measure)
        case IndexType.IVF_FLAT:
            index = faiss.IndexIVFFlat(
                faiss.IndexFlat(dimension, measure), dimension, min(choices.nlist, max(size, 1)), measure
            )
            index.nprobe = choices.nprobe
            return index
        case IndexType.HNSW:
            graph = faiss.IndexHNSWFlat(dimension, choices.hnsw_m, measure)
            graph.hnsw.efSearch = choices.hnsw_ef_search
            return graph


def _training_rows(pool: NDArray[np.int64], nlist: int) -> NDArray[np.int64]:
    """Draw the rows that inverted lists are learned from, the same ones each time."""
    wanted = min(len(pool), nlist * _TRAINING_POINTS * 2)
    return np.sort(np.random.default_rng(_SEED).choice(pool, size=wanted, replace=False))


def _prepared(vectors: Vectors, metric: DistanceMetric) -> NDArray[np.float32]:
    prepared = np.ascontiguousarray(vectors, dtype=np.float32)
    if metric is DistanceMetric.COSINE:
        norms = np.sqrt(np.einsum("ij,ij->i", prepared, prepared))
        prepared = prepared * np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)[:, None]
    return prepared
