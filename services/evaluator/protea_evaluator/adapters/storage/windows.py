"""The time of evaluation sets: what is known of when their annotation sets are of."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.domain.temporal import Window, WindowRole
from protea_common.orm import EvaluationSet
from protea_common.snapshot_dates import read_snapshot_dates

__all__ = ["WindowStore"]


class WindowStore:
    """Reads windows; the date of every annotation is looked at, which takes seconds on large sets."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def with_roles(self) -> list[Window]:
        """Read all evaluation sets that have a role."""
        statement = select(
            EvaluationSet.id,
            EvaluationSet.window_role,
            EvaluationSet.old_annotation_set_id,
            EvaluationSet.new_annotation_set_id,
        ).where(EvaluationSet.window_role.is_not(None))
        rows = (await self._session.execute(statement.order_by(EvaluationSet.id))).all()
        return [
            Window(
                row.id,
                WindowRole(row.window_role),
                await read_snapshot_dates(self._session, row.old_annotation_set_id),
                await read_snapshot_dates(self._session, row.new_annotation_set_id),
            )
            for row in rows
        ]
