"""The time of evaluation sets: what is known of when their annotation sets are of."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.domain.temporal import SnapshotDates, Window, WindowRole
from protea_common.orm import AnnotationSet, EvaluationSet, ProteinGOAnnotation

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
            Window(row.id, WindowRole(row.window_role), await self.dates(row[2]), await self.dates(row[3]))
            for row in rows
        ]

    async def dates(self, annotation_set_id: UUID) -> SnapshotDates:
        """Read what is known of when an annotation set is of; the set exists."""
        statement = select(
            AnnotationSet.source_version, AnnotationSet.annotated_before, AnnotationSet.source_published_at
        ).where(AnnotationSet.id == annotation_set_id)
        row = (await self._session.execute(statement)).one()
        return SnapshotDates(
            name=row.source_version or str(annotation_set_id),
            annotated_before=row.annotated_before,
            published_on=None if row.source_published_at is None else row.source_published_at.date(),
            newest_annotation=await self._newest_annotation(annotation_set_id),
        )

    async def _newest_annotation(self, annotation_set_id: UUID) -> date | None:
        written = ProteinGOAnnotation.annotation_date
        statement = select(func.max(written), func.count() - func.count(written))
        newest, undated = (
            await self._session.execute(statement.where(ProteinGOAnnotation.annotation_set_id == annotation_set_id))
        ).one()
        return None if newest is None or undated else _read_date(newest)


def _read_date(text: str) -> date | None:
    """Read ``YYYYMMDD``; ``None`` for what is none, since what cannot be read is not known."""
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a day without a place
    except ValueError:
        return None
