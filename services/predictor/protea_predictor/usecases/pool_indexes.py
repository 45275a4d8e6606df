"""Indexes over the pools of a bank: what they are made by, and making them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.distance import DistanceMetric
from protea_common.operations import PredictGoTerms, SearchBackend
from protea_predictor.adapters.search.faiss_index import FaissChoices, FaissIndex, IndexType
from protea_predictor.adapters.search.torch_index import TorchIndex
from protea_predictor.domain.distances import Vectors
from protea_predictor.domain.pools import Pool

__all__ = ["IndexChoice", "PoolIndex", "build_indexes", "choose_in_pools"]


class PoolIndex(Protocol):
    """Chooses neighbours within one pool."""

    def choose(self, queries: Vectors, count: int) -> NDArray[np.int64]:
        """Choose ``count`` rows of references for each query, padded with -1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexChoice:
    """What the indexes of a bank are made by; the same choice gives the same indexes.

    Attributes
    ----------
    metric
        Distance that they are made for.
    is_aspect_separated
        Whether there is one per aspect.
    faiss
        How faiss is used; ``None`` for torch.
    device
        Device of torch.
    """

    metric: DistanceMetric
    is_aspect_separated: bool
    faiss: FaissChoices | None
    device: str

    @classmethod
    def of(cls, request: PredictGoTerms, *, device: str) -> IndexChoice:
        """Read a request for faiss or torch."""
        choices = FaissChoices(
            index_type=IndexType(request.faiss_index_type),
            nlist=request.faiss_nlist,
            nprobe=request.faiss_nprobe,
            hnsw_m=request.faiss_hnsw_m,
            hnsw_ef_search=request.faiss_hnsw_ef_search,
        )
        return cls(
            metric=request.metric,
            is_aspect_separated=request.aspect_separated_knn,
            faiss=choices if request.search_backend is SearchBackend.FAISS else None,
            device=device,
        )


def build_indexes(choice: IndexChoice, references: Vectors, pools: Sequence[Pool]) -> tuple[PoolIndex, ...]:
    """Make an index over each pool.

    Raises
    ------
    FaissMissingError, TorchMissingError
        If the library, or the device, is not there.
    """
    return tuple(_index(choice, references, pool.reference_rows) for pool in pools)


def choose_in_pools(indexes: Sequence[PoolIndex], queries: Vectors, count: int) -> tuple[NDArray[np.int64], ...]:
    """Choose references for each query in each pool, in the order of the pools."""
    return tuple(index.choose(queries, count) for index in indexes)


def _index(choice: IndexChoice, references: Vectors, rows: NDArray[np.int64]) -> PoolIndex:
    if choice.faiss is None:
        return TorchIndex(references, rows, metric=choice.metric, device=choice.device)
    return FaissIndex(references, rows, metric=choice.metric, choices=choice.faiss)
