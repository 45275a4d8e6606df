"""Table ``reranker_model``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.errors import PermanentError
from protea_common.orm import RerankerModel
from protea_predictor.adapters.storage.inputs import NotFoundError

__all__ = ["NewReranker", "RerankerNameTakenError", "RerankerStore", "StoredReranker"]


class RerankerNameTakenError(PermanentError):
    """There is a re-ranker of this name."""

    slug: ClassVar[str] = "reranker-name-taken"
    status: ClassVar[int] = 409

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a re-ranker {name!r} already; choose another name, or give force to replace it.")
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReranker:
    """Columns of a re-ranker's row."""

    id: UUID
    name: str
    category: str
    aspect: str | None
    artifact_uri: str
    metrics: Mapping[str, Any]
    feature_importance: Mapping[str, float]
    feature_schema_sha: str
    schema_sha_v2: str
    spec_yaml: str
    dataset_id: UUID | None = None
    evaluation_set_id: UUID | None = None
    embedding_config_id: UUID | None = None
    ontology_snapshot_id: UUID | None = None
    external_source: str | None = None
    producer_version: str | None = None
    producer_git_sha: str | None = None


@dataclass(frozen=True, slots=True)
class StoredReranker:
    """What serving needs to know of a re-ranker.

    Attributes
    ----------
    model_data, artifact_uri
        The booster as text, or where it lies.
    model_sha256
        Digest that its text had when it was registered; ``None`` for rows of earlier versions.
    embedding_config_id
        Recipe that it was trained with, where that is known.
    """

    id: UUID
    name: str
    category: str
    aspect: str | None
    model_data: str | None
    artifact_uri: str | None
    feature_schema_sha: str | None
    schema_sha_v2: str | None
    spec_yaml: str | None
    model_sha256: str | None
    embedding_config_id: UUID | None


class RerankerStore:
    """Re-rankers never change; one may be replaced by another of its name, which has another id."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def require_free(self, name: str) -> None:
        """Refuse a name that is taken.

        Raises
        ------
        RerankerNameTakenError
            If there is a re-ranker of this name.
        """
        if await self._session.scalar(select(RerankerModel.id).where(RerankerModel.name == name)) is not None:
            raise RerankerNameTakenError(name)

    async def add(self, new: NewReranker, *, replaces: bool = False) -> None:
        """Write a re-ranker.

        Raises
        ------
        RerankerNameTakenError
            If the name is taken and ``replaces`` is not given.
        """
        if replaces:
            await self._session.execute(delete(RerankerModel).where(RerankerModel.name == new.name))
        statement = upsert(RerankerModel).values(**asdict(new)).on_conflict_do_nothing().returning(RerankerModel.id)
        if await self._session.scalar(statement) is None:
            raise RerankerNameTakenError(new.name)

    async def read(self, reranker_ids: Sequence[UUID]) -> tuple[StoredReranker, ...]:
        """Read re-rankers, in the order given.

        Raises
        ------
        NotFoundError
            Naming the first that is not there.
        """
        columns = select(
            RerankerModel.id,
            RerankerModel.name,
            RerankerModel.category,
            RerankerModel.aspect,
            RerankerModel.model_data,
            RerankerModel.artifact_uri,
            RerankerModel.feature_schema_sha,
            RerankerModel.schema_sha_v2,
            RerankerModel.spec_yaml,
            RerankerModel.metrics["model_sha256"].as_string(),
            RerankerModel.embedding_config_id,
        )
        rows = await self._session.execute(columns.where(RerankerModel.id.in_(reranker_ids)))
        found = {row.id: StoredReranker(*row) for row in rows}
        for reranker_id in reranker_ids:
            if reranker_id not in found:
                raise NotFoundError("re-ranker", reranker_id)
        return tuple(found[reranker_id] for reranker_id in reranker_ids)
