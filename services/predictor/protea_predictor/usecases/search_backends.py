"""Which references a query is compared with exactly: all of them, or those that the backend of a job chooses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from protea_common.db import UnitOfWork
from protea_common.operations import PredictGoTerms, SearchBackend
from protea_predictor.adapters.storage import VectorIndexStore
from protea_predictor.domain.prediction import Queries
from protea_predictor.domain.shared_sequences import rows_of_sequences
from protea_predictor.usecases.pool_indexes import IndexChoice, PoolIndex, build_indexes, choose_in_pools
from protea_predictor.usecases.references import OpenBank

__all__ = ["ChosenRows", "SearchBackends"]

T = TypeVar("T")

ChosenRows: TypeAlias = tuple[NDArray[np.int64], ...]
"""Rows of references by pool, shape ``(n_queries, m)`` each, padded with -1."""

_SPARE = 17
"""References asked for beyond K: the query's own, and what a backend's rounding puts in another order."""


class SearchBackends:
    """Asks the backend of a job.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    executor
        Threads that make indexes and search them.
    device
        Device of torch.
    """

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], executor: Executor, device: str) -> None:
        self._unit_of_work = unit_of_work
        self._executor = executor
        self._device = device

    async def choose(self, request: PredictGoTerms, references: OpenBank, queries: Queries) -> ChosenRows | None:
        """Choose references for each query in each pool; ``None`` where all are compared.

        Raises
        ------
        FaissMissingError, TorchMissingError
            If the backend's library, or its device, is not there.
        NotIndexableError
            If PostgreSQL can make no index of the recipe's vectors.
        """
        count = request.limit_per_entry + _SPARE
        match request.search_backend:
            case SearchBackend.NUMPY:
                return None
            case SearchBackend.FAISS | SearchBackend.TORCH:
                indexes = await self._indexes(request, references)
                return await self._run(partial(choose_in_pools, indexes, queries.vectors, count))
            case SearchBackend.PGVECTOR:
                return await self._choose_in_database(request, references, queries, count=count)

    async def _indexes(self, request: PredictGoTerms, references: OpenBank) -> tuple[PoolIndex, ...]:
        choice = IndexChoice.of(request, device=self._device)
        pools = references.pools(is_aspect_separated=request.aspect_separated_knn)
        build = partial(build_indexes, choice, references.bank.vectors, pools)
        return await references.indexes.get(choice, partial(self._run, build))

    async def _choose_in_database(
        self, request: PredictGoTerms, references: OpenBank, queries: Queries, *, count: int
    ) -> ChosenRows:
        bank, chosen = references.bank, []
        async with self._unit_of_work() as work:
            store = VectorIndexStore(
                work.session,
                embedding_config_id=request.embedding_config_id,
                dimension=bank.vectors.shape[1],
                metric=request.metric,
            )
            await store.ensure()
        async with self._unit_of_work() as work:
            for pool in references.pools(is_aspect_separated=request.aspect_separated_knn):
                members = bank.proteins.sequence_ids[pool.reference_rows]
                nearest = await store.using(work.session).nearest(
                    queries.vectors, np.unique(members), count=count, ef_search=request.faiss_hnsw_ef_search
                )
                rows = partial(rows_of_sequences, nearest, members, rows=pool.reference_rows, limit=count)
                chosen.append(await self._run(rows))
        return tuple(chosen)

    async def _run(self, compute: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, compute)
