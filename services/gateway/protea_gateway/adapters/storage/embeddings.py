"""Embedding recipes."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import EmbeddingConfig, PredictionSet, SequenceEmbedding
from protea_gateway.adapters.storage.lookup import delete_unused, find

__all__ = ["EmbeddingConfigStore"]


class EmbeddingConfigStore:
    """Reads recipes, and deletes those that nothing was made with."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, *, limit: int, offset: int) -> Sequence[EmbeddingConfig]:
        """List recipes, newest first."""
        query = select(EmbeddingConfig).order_by(EmbeddingConfig.created_at.desc(), EmbeddingConfig.id)
        return (await self._session.scalars(query.limit(limit).offset(offset))).all()

    async def get(self, config_id: UUID) -> EmbeddingConfig:
        """Read a recipe, or raise `NotFoundError`."""
        return await find(self._session, EmbeddingConfig, config_id)

    async def delete(self, config_id: UUID) -> None:
        """Delete a recipe, or raise `InUseError`."""
        users = {
            "embeddings": SequenceEmbedding.embedding_config_id,
            "prediction sets": PredictionSet.embedding_config_id,
        }
        await delete_unused(self._session, EmbeddingConfig, config_id, users=users)
