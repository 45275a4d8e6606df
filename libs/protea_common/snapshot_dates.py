"""The time of annotation sets and of mappings, as evaluator and predictor keep the temporal protocol by it."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.domain.temporal import SnapshotDates
from protea_common.orm import AnnotationSet, InterProGoRelease, ProteinGOAnnotation

__all__ = ["read_mapping_day", "read_snapshot_dates"]


async def read_snapshot_dates(session: AsyncSession, annotation_set_id: UUID) -> SnapshotDates:
    """Read what is known of when an annotation set is of; the set exists.

    The date of every annotation is looked at, which takes seconds on large sets.
    """
    statement = select(
        AnnotationSet.source_version, AnnotationSet.annotated_before, AnnotationSet.source_published_at
    ).where(AnnotationSet.id == annotation_set_id)
    row = (await session.execute(statement)).one()
    return SnapshotDates(
        name=row.source_version or str(annotation_set_id),
        annotated_before=row.annotated_before,
        published_on=None if row.source_published_at is None else row.source_published_at.date(),
        newest_annotation=await _newest_annotation(session, annotation_set_id),
    )


async def read_mapping_day(session: AsyncSession, source_version: str) -> date | None:
    """Read of which day a release of the InterPro2GO mapping is; ``None`` where that is not known."""
    statement = select(InterProGoRelease.released_on).where(InterProGoRelease.source_version == source_version)
    return await session.scalar(statement)


async def _newest_annotation(session: AsyncSession, annotation_set_id: UUID) -> date | None:
    written = ProteinGOAnnotation.annotation_date
    statement = select(func.max(written), func.count() - func.count(written))
    newest, undated = (
        await session.execute(statement.where(ProteinGOAnnotation.annotation_set_id == annotation_set_id))
    ).one()
    return None if newest is None or undated else _read_date(newest)


def _read_date(text: str) -> date | None:
    """Read ``YYYYMMDD``; ``None`` for what is none, since what cannot be read is not known."""
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a day without a place
    except ValueError:
        return None
