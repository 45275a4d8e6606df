"""The timelines of all jobs as one growing sequence, for the live stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Text, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from protea_common.orm import Job, JobEvent
from protea_gateway.domain.commit_order import Snapshot

__all__ = ["SeenEvent", "TimelineStore"]


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """An event's place, and the jobs that it concerns."""

    id: int
    job_id: UUID
    parent_job_id: UUID | None


class TimelineStore:
    """Reads events across jobs."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def newest_id(self) -> int:
        """Greatest visible id, 0 if there is none."""
        return await self._session.scalar(select(func.coalesce(func.max(JobEvent.id), 0))) or 0

    async def seen_after(self, event_id: int, *, limit: int) -> tuple[Sequence[SeenEvent], Snapshot | None]:
        """Read which events are visible above an id, lowest first, and the snapshot in which they are."""
        snapshot = func.pg_current_snapshot()
        rows = await self._session.execute(
            select(
                JobEvent.id,
                JobEvent.job_id,
                Job.parent_job_id,
                _number(func.pg_snapshot_xmin(snapshot)).label("oldest_running"),
                _number(func.pg_snapshot_xmax(snapshot)).label("next_number"),
            )
            .join(Job, Job.id == JobEvent.job_id)
            .where(JobEvent.id > event_id)
            .order_by(JobEvent.id)
            .limit(limit)
        )
        found = rows.all()
        seen = [SeenEvent(row.id, row.job_id, row.parent_job_id) for row in found]
        return seen, Snapshot(found[0].oldest_running, found[0].next_number) if found else None

    async def read(self, job_id: UUID | None, *, after: int, up_to: int | None, limit: int) -> Sequence[JobEvent]:
        """Read events of a job and its steps, or of all jobs, in the order of their ids, each with its job's trace."""
        traced = contains_eager(JobEvent.job).load_only(Job.trace_id, Job.traceparent)
        query = select(JobEvent).join(JobEvent.job).options(traced)
        query = query.where(JobEvent.id > after).order_by(JobEvent.id).limit(limit)
        if up_to is not None:
            query = query.where(JobEvent.id <= up_to)
        if job_id is not None:
            steps = select(Job.id).where(Job.parent_job_id == job_id)
            query = query.where(or_(JobEvent.job_id == job_id, JobEvent.job_id.in_(steps)))
        return (await self._session.scalars(query)).all()


def _number(transaction_id: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(cast(transaction_id, Text), BigInteger)
