"""Table ``embedding_projection``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import EmbeddingProjection

__all__ = ["ProjectionStore", "StoredProjection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredProjection:
    """A recipe's fit: which references it was made from, how, and where its file lies."""

    embedding_config_id: UUID
    annotation_set_id: UUID | None
    reference_digest: str
    artifact_uri: str
    content_sha256: str
    dimension: int
    component_count: int
    vector_count: int
    solver: str
    seed: int


class ProjectionStore:
    """A recipe has one fit, the first; it never changes."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, embedding_config_id: UUID) -> StoredProjection | None:
        """Look for the fit of a recipe."""
        columns = [getattr(EmbeddingProjection, name) for name in StoredProjection.__slots__]
        statement = select(*columns).where(EmbeddingProjection.embedding_config_id == embedding_config_id)
        row = (await self._session.execute(statement)).mappings().one_or_none()
        return None if row is None else StoredProjection(**row)

    async def add(self, new: StoredProjection) -> None:
        """Write a fit, unless the recipe has one."""
        values = {"id": uuid4(), **asdict(new)}
        await self._session.execute(upsert(EmbeddingProjection).values(values).on_conflict_do_nothing())
