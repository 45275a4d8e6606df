"""Jobs as people look at them: lists, timelines, notes and comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, exists, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from protea_common.orm import ACTIVE_STATUSES, Job, JobComment, JobEvent, JobStatus
from protea_gateway.adapters.storage.lookup import find
from protea_gateway.domain.cursor import PageCursor
from protea_gateway.domain.errors import ConflictError

__all__ = ["JobFilter", "JobStore"]


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs a list shows; ``None`` for any.

    Attributes
    ----------
    include_children
        Also those that belong to another job; asking for a parent's jobs implies it.
    dedup_key
        Of the operation and its payload, see `protea_common.operations.dedup_key`.
    """

    status: JobStatus | None = None
    operation: str | None = None
    parent_job_id: UUID | None = None
    include_children: bool = False
    dedup_key: str | None = None

    def narrow(self, query: Select[Job]) -> Select[Job]:
        """Add the conditions to a query."""
        if self.status is not None:
            query = query.where(Job.status == self.status)
        if self.operation is not None:
            query = query.where(Job.operation == self.operation)
        if self.dedup_key is not None:
            query = query.where(Job.dedup_key == self.dedup_key)
        if self.parent_job_id is not None:
            return query.where(Job.parent_job_id == self.parent_job_id)
        return query if self.include_children else query.where(Job.parent_job_id.is_(None))


class JobStore:
    """Reads jobs, and writes what people say about them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, job_id: UUID) -> Job:
        """Read a job, or raise `NotFoundError`."""
        return await find(self._session, Job, job_id)

    async def page(self, wanted: JobFilter, *, after: PageCursor | None, limit: int) -> Sequence[Job]:
        """List jobs, newest first, from behind the cursor."""
        query = wanted.narrow(select(Job)).order_by(Job.created_at.desc(), Job.id.desc()).limit(limit)
        if after is not None:
            query = query.where(tuple_(Job.created_at, Job.id) < tuple_(after.created_at, after.id))
        return (await self._session.scalars(query)).all()

    async def steps(self, pipeline_id: UUID) -> Sequence[Job]:
        """Jobs of a pipeline in the order in which they run."""
        steps = (await self._session.scalars(select(Job).where(Job.parent_job_id == pipeline_id))).all()
        follower = {step.waits_for_job_id: step for step in steps}
        ordered: list[Job] = []
        step = follower.get(None)
        while step is not None:
            ordered.append(step)
            step = follower.get(step.id)
        return ordered

    async def events(self, job_id: UUID, *, before: int | None, limit: int) -> Sequence[JobEvent]:
        """Read a job's timeline, newest first, from below an event's id."""
        query = select(JobEvent).where(JobEvent.job_id == job_id).order_by(JobEvent.id.desc()).limit(limit)
        if before is not None:
            query = query.where(JobEvent.id < before)
        return (await self._session.scalars(query)).all()

    async def write_notes(self, job_id: UUID, notes: Mapping[str, Any]) -> Job:
        """Change description, findings or tags; what is not given stays."""
        job = await self.get(job_id)
        if notes:
            await self._session.execute(update(Job).where(Job.id == job_id).values(**notes))
            await self._session.refresh(job)
        return job

    async def delete(self, job_id: UUID) -> None:
        """Delete a job with its timeline; what it made stays.

        Raises
        ------
        ConflictError
            If it runs, or is a step that others wait for: deleting that would set them free.
        """
        waiting = aliased(Job)
        awaited = exists().where(waiting.waits_for_job_id == Job.id, waiting.status.in_(ACTIVE_STATUSES))
        blocked = (Job.status == JobStatus.RUNNING) | ((Job.status == JobStatus.QUEUED) & awaited)
        gone = await self._session.scalar(delete(Job).where(Job.id == job_id, ~blocked).returning(Job.id))
        if gone is None:
            job = await self.get(job_id)
            raise ConflictError(f"Job {job_id} is {job.status}; cancel it before deleting it.")

    async def comment(self, job_id: UUID, *, author: str | None, body: str) -> JobComment:
        """Leave a comment on a job."""
        await self.get(job_id)
        statement = insert(JobComment).values(job_id=job_id, author=author, body=body).returning(JobComment)
        return (await self._session.scalars(statement)).one()

    async def comments(self, job_id: UUID, *, after: int, limit: int) -> Sequence[JobComment]:
        """Read the comments on a job, oldest first, from above a comment's id."""
        await self.get(job_id)
        query = select(JobComment).where(JobComment.job_id == job_id, JobComment.id > after)
        return (await self._session.scalars(query.order_by(JobComment.id).limit(limit))).all()
