"""Windows: evaluation sets, which the evaluator writes, with the time of the annotation sets on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import EvaluationSet
from protea_common.snapshot_dates import read_snapshot_dates
from protea_predictor.adapters.storage.inputs import NotFoundError
from protea_predictor.domain.datasets.temporal import Window, WindowRole

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
        old = await read_snapshot_dates(self._session, row.old_annotation_set_id)
        new = await read_snapshot_dates(self._session, row.new_annotation_set_id)
        role = None if row.window_role is None else WindowRole(row.window_role)
        return StoredWindow(
            window=Window(evaluation_set_id, role, old, new),
            old_annotation_set_id=row.old_annotation_set_id,
            new_annotation_set_id=row.new_annotation_set_id,
            ontology_snapshot_id=row.pivot_snapshot_id,
            groundtruth_uri=row.groundtruth_uri,
        )
