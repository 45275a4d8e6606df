"""Evaluation sets and the results measured on them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import EvaluationResult, EvaluationSet
from protea_gateway.adapters.storage.lookup import find
from protea_gateway.domain.errors import NotFoundError

__all__ = ["EvaluationStore"]


class EvaluationStore:
    """Reads evaluation sets and results."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, *, limit: int, offset: int) -> Sequence[EvaluationSet]:
        """List sets, newest first."""
        query = select(EvaluationSet).order_by(EvaluationSet.created_at.desc(), EvaluationSet.id)
        return (await self._session.scalars(query.limit(limit).offset(offset))).all()

    async def get(self, set_id: UUID) -> EvaluationSet:
        """Read a set, or raise `NotFoundError`."""
        return await find(self._session, EvaluationSet, set_id)

    async def results(self, set_id: UUID, *, limit: int, offset: int) -> Sequence[EvaluationResult]:
        """List what was measured on a set, newest first."""
        await self.get(set_id)
        query = select(EvaluationResult).where(EvaluationResult.evaluation_set_id == set_id)
        ordered = query.order_by(EvaluationResult.created_at.desc(), EvaluationResult.id)
        return (await self._session.scalars(ordered.limit(limit).offset(offset))).all()

    async def get_result(self, set_id: UUID, result_id: UUID) -> EvaluationResult:
        """Read a result of a set, or raise `NotFoundError`."""
        result = await find(self._session, EvaluationResult, result_id)
        if result.evaluation_set_id != set_id:
            raise NotFoundError("evaluation result", result_id)
        return result

    async def delete(self, set_id: UUID) -> None:
        """Delete a set with its results."""
        await self.get(set_id)
        await self._session.execute(delete(EvaluationSet).where(EvaluationSet.id == set_id))
