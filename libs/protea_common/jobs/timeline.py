"""A job's timeline (append-only) and its progress."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, insert, update

from protea_common.db import UnitOfWork
from protea_common.events import JobProgress
from protea_common.orm import Job, JobEvent, JobStatus

__all__ = ["Level", "record", "record_each", "report_progress"]

Level = Literal["info", "warning", "error"]


async def record(
    work: UnitOfWork,
    job_id: UUID,
    event: str,
    *,
    level: Level = "info",
    message: str | None = None,
    fields: Mapping[str, Any] | None = None,
) -> None:
    """Append an entry to the job's timeline, in the same transaction as what it tells of."""
    await work.session.execute(
        insert(JobEvent).values(job_id=job_id, event=event, level=level, message=message, fields=dict(fields or {}))
    )
    work.note(event)


async def record_each(work: UnitOfWork, event: str, fields: Mapping[UUID, Mapping[str, Any]]) -> None:
    """Append the same entry to the timelines of several jobs, each with its own fields."""
    rows = [{"job_id": job_id, "event": event, "level": "info", "fields": dict(own)} for job_id, own in fields.items()]
    if rows:
        await work.session.execute(insert(JobEvent).values(rows))
    for _ in rows:
        work.note(event)


async def report_progress(work: UnitOfWork, job_id: UUID, *, current: int, total: int | None) -> None:
    """Set a running job's progress and tell the live stream; a progress that goes back is kept out."""
    statement = (
        update(Job)
        .where(Job.id == job_id, Job.status == JobStatus.RUNNING)
        .values(progress_current=func.greatest(func.coalesce(Job.progress_current, 0), current), progress_total=total)
        .returning(Job.operation, Job.progress_current)
        .execution_options(synchronize_session=False)
    )
    row = (await work.session.execute(statement)).one_or_none()
    if row is not None:
        progress = JobProgress(
            job_id=job_id, operation=row.operation, progress_current=row.progress_current, progress_total=total
        )
        work.publish(progress)
        await record(work, job_id, "job.progress", fields={"current": row.progress_current, "total": total})
