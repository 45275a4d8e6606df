"""Experiment runs: what was tried, from what, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.domain.experiment_axes import ExperimentAxes
from protea_common.orm import ExperimentRun, ExperimentRunStatus
from protea_gateway.adapters.storage.lookup import delete_unused, find

__all__ = ["ExperimentRunStore", "NewExperimentRun"]

_ENDED = (ExperimentRunStatus.DONE, ExperimentRunStatus.ABANDONED)


@dataclass(frozen=True, slots=True)
class NewExperimentRun:
    """A run to be written."""

    name: str
    description: str | None
    hypothesis: str | None
    config: Mapping[str, Any]
    provenance: Mapping[str, Any]
    tags: Sequence[str]
    axes: ExperimentAxes


class ExperimentRunStore:
    """Reads and writes experiment runs."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(
        self,
        *,
        status: ExperimentRunStatus | None,
        name: str | None,
        axis_tuple_shortid: str | None,
        limit: int,
        offset: int,
    ) -> Sequence[ExperimentRun]:
        """List runs, newest first."""
        query = select(ExperimentRun).order_by(ExperimentRun.created_at.desc(), ExperimentRun.id)
        if status is not None:
            query = query.where(ExperimentRun.status == status)
        if name is not None:
            query = query.where(ExperimentRun.name == name)
        if axis_tuple_shortid is not None:
            query = query.where(ExperimentRun.axis_tuple_shortid == axis_tuple_shortid)
        return (await self._session.scalars(query.limit(limit).offset(offset))).all()

    async def get(self, run_id: UUID) -> ExperimentRun:
        """Read a run, or raise `NotFoundError`."""
        return await find(self._session, ExperimentRun, run_id)

    async def add(self, new: NewExperimentRun) -> ExperimentRun | None:
        """Write a run; ``None`` if its name is taken, or its point on the axes."""
        statement = (
            upsert(ExperimentRun)
            .values(
                id=uuid4(),
                name=new.name,
                description=new.description,
                hypothesis=new.hypothesis,
                config=dict(new.config),
                provenance=dict(new.provenance),
                tags=list(new.tags),
                axis_tuple_shortid=new.axes.shortid,
                **asdict(new.axes),
            )
            .on_conflict_do_nothing()
            .returning(ExperimentRun)
        )
        return (await self._session.scalars(statement)).one_or_none()

    async def name_at(self, axes: ExperimentAxes) -> str | None:
        """Give the name of the run at a point; ``None`` if there is none."""
        wanted = select(ExperimentRun.name).where(ExperimentRun.axis_tuple_shortid == axes.shortid)
        return await self._session.scalar(wanted)

    async def change(self, run_id: UUID, changes: Mapping[str, Any]) -> ExperimentRun:
        """Change a run; what is not given stays. The first start and the first end are kept."""
        run = await self.get(run_id)
        values = dict(changes)
        status = values.get("status")
        if status is ExperimentRunStatus.RUNNING:
            values["started_at"] = func.coalesce(ExperimentRun.started_at, func.now())
        if status in _ENDED:
            values["finished_at"] = func.coalesce(ExperimentRun.finished_at, func.now())
        if values:
            await self._session.execute(update(ExperimentRun).where(ExperimentRun.id == run_id).values(**values))
            await self._session.refresh(run)
        return run

    async def delete(self, run_id: UUID) -> None:
        """Delete a run; what it measured stays."""
        await delete_unused(self._session, ExperimentRun, run_id, users={})
