"""Windows: evaluation sets, which the evaluator writes, with the time of the annotation sets on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import AnnotationSet, EvaluationSet, ProteinGOAnnotation
from protea_predictor.adapters.storage.inputs import NotFoundError
from protea_predictor.domain.datasets.temporal import SnapshotDates, Window, WindowRole

__all__ = ["StoredWindow", "WindowStore"]


@dataclass(frozen=True, slots=True)
class StoredWindow:
    """A window with what is stored about it.

    Attributes
    ----------
    old_annotation_set_id, new_annotation_set_id
        What was known at t0 and at t1.
    ontology_snapshot_id
        Release of GO that the two sets were compared in.
    groundtruth_uri
        Folder of what was gained, in the artifact store.
    """

    window: Window
    old_annotation_set_id: UUID
    new_annotation_set_id: UUID
    ontology_snapshot_id: UUID
    groundtruth_uri: str | None


class WindowStore:
    """Reads windows."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def read(self, evaluation_set_id: UUID) -> StoredWindow:
        """Read a window; it looks at the date of every annotation of both sets, which takes seconds on large ones.

        Raises
        ------
        NotFoundError
            If there is no such evaluation set.
        """
        row = await self._session.get(EvaluationSet, evaluation_set_id)
        if row is None:
            raise NotFoundError("evaluation set", evaluation_set_id)
        old = await self._dates(row.old_annotation_set_id)
        new = await self._dates(row.new_annotation_set_id)
        role = None if row.window_role is None else WindowRole(row.window_role)
        return StoredWindow(
            window=Window(evaluation_set_id, role, old, new),
            old_annotation_set_id=row.old_annotation_set_id,
            new_annotation_set_id=row.new_annotation_set_id,
            ontology_snapshot_id=row.pivot_snapshot_id,
            groundtruth_uri=row.groundtruth_uri,
        )

    async def _dates(self, annotation_set_id: UUID) -> SnapshotDates:
        columns = select(
            AnnotationSet.source_version,
            AnnotationSet.annotated_before,
            AnnotationSet.source_published_at,
        )
        row = (await self._session.execute(columns.where(AnnotationSet.id == annotation_set_id))).one()
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
