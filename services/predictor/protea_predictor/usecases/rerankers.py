"""Re-rankers in memory: read from the artifact store once each, checked, and asked for scores."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from hashlib import sha256
from types import MappingProxyType
from typing import ClassVar
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.storage import ArtifactStore
from protea_predictor.adapters.reranker_spec import RerankerSpec
from protea_predictor.adapters.storage import RerankerStore, StoredReranker
from protea_predictor.domain.reranking.booster import Booster
from protea_predictor.domain.reranking.categories import Cell
from protea_predictor.domain.reranking.columns import ColumnPlan, live_vocabularies
from protea_predictor.domain.reranking.reranker import Reranker
from protea_predictor.usecases.recently_used import RecentlyUsed

__all__ = ["RerankerDamagedError", "Rerankers"]


class RerankerDamagedError(PermanentError):
    """The file of a re-ranker is not the one that was registered; register it again."""

    slug: ClassVar[str] = "reranker-damaged"


class Rerankers:
    """Re-rankers, the ones used last.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    artifacts
        Where boosters lie.
    executor
        Threads on which boosters are read.
    capacity
        Re-rankers kept.
    """

    def __init__(
        self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore, executor: Executor, capacity: int
    ) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts
        self._executor = executor
        self._kept = RecentlyUsed[UUID, Reranker](capacity=capacity)

    async def get(self, reranker_ids: Sequence[UUID]) -> tuple[Reranker, ...]:
        """Give re-rankers, in the order asked for.

        Raises
        ------
        NotFoundError
            If one is not there.
        ArtifactNotFoundError, RerankerDamagedError, InvalidBoosterError
            If its file is gone, another one, or no booster.
        """
        return tuple([await self._kept.get(each, partial(self._load, each)) for each in reranker_ids])

    async def _load(self, reranker_id: UUID) -> Reranker:
        async with self._unit_of_work() as work:
            (stored,) = await RerankerStore(work.session).read([reranker_id])
        content = await self._content(stored)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, _read_reranker, stored, content)

    async def _content(self, stored: StoredReranker) -> bytes:
        if stored.artifact_uri is None:
            return (stored.model_data or "").encode()
        return await self._artifacts.get(self._artifacts.key_from_uri(stored.artifact_uri))


def _read_reranker(stored: StoredReranker, content: bytes) -> Reranker:
    if stored.model_sha256 not in {None, sha256(content).hexdigest()}:
        raise RerankerDamagedError(
            f"The file of re-ranker {stored.name} is not the one that was registered; register it again."
        )
    spec = RerankerSpec.read(stored.spec_yaml)
    booster = Booster.read(content.decode("ascii", "replace"))
    vocabularies = {**live_vocabularies(booster.columns), **spec.vocabularies}
    return Reranker(
        id=stored.id,
        name=stored.name,
        cell=Cell.parse(stored.category, stored.aspect),
        booster=booster,
        plan=ColumnPlan(booster.columns, MappingProxyType(vocabularies)),
        score_map=booster.default_map if spec.score_map is None else spec.score_map.to_map(),
        feature_schema_sha=stored.feature_schema_sha,
        schema_sha_v2=stored.schema_sha_v2,
        embedding_config_id=stored.embedding_config_id,
    )
