"""Datasets, re-rankers and calibrations."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from protea_common.orm import CalibrationModel, Dataset, RerankerModel
from protea_gateway.adapters.storage.lookup import delete_unused, find

__all__ = ["CalibrationStore", "DatasetStore", "RerankerStore"]


class DatasetStore:
    """Reads datasets."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(
        self, *, name_like: str | None, embedding_config_id: UUID | None, limit: int, offset: int
    ) -> Sequence[Dataset]:
        """List datasets, newest first."""
        query = select(Dataset).order_by(Dataset.created_at.desc(), Dataset.id).limit(limit).offset(offset)
        if name_like is not None:
            query = query.where(Dataset.name.icontains(name_like, autoescape=True))
        if embedding_config_id is not None:
            query = query.where(Dataset.embedding_config_id == embedding_config_id)
        return (await self._session.scalars(query)).all()

    async def get(self, dataset_id: UUID) -> Dataset:
        """Read a dataset, or raise `NotFoundError`."""
        return await find(self._session, Dataset, dataset_id)


class RerankerStore:
    """Reads and deletes re-rankers."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, *, limit: int, offset: int) -> Sequence[RerankerModel]:
        """List re-rankers by name, without the text of boosters."""
        query = select(RerankerModel).options(defer(RerankerModel.model_data)).order_by(RerankerModel.name)
        return (await self._session.scalars(query.limit(limit).offset(offset))).all()

    async def get(self, reranker_id: UUID) -> RerankerModel:
        """Read a re-ranker, or raise `NotFoundError`."""
        return await find(self._session, RerankerModel, reranker_id)

    async def delete(self, reranker_id: UUID) -> None:
        """Delete a re-ranker; predictions keep their scores, and their receipt keeps its digest."""
        await delete_unused(self._session, RerankerModel, reranker_id, users={})


class CalibrationStore:
    """Reads calibrations."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, *, limit: int, offset: int) -> Sequence[CalibrationModel]:
        """List calibrations, newest first."""
        query = select(CalibrationModel).order_by(CalibrationModel.created_at.desc(), CalibrationModel.id)
        return (await self._session.scalars(query.limit(limit).offset(offset))).all()

    async def get(self, calibration_id: UUID) -> CalibrationModel:
        """Read a calibration, or raise `NotFoundError`."""
        return await find(self._session, CalibrationModel, calibration_id)
