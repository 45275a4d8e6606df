"""A limit of running jobs per API key: what is over it is held, and released when a job of that key ends.

So the queue never holds more of one key than may run, and another key's job waits behind a few, not behind hundreds.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, func, select, text, update

from protea_common.db import UnitOfWork
from protea_common.events import JobCreated
from protea_common.jobs.submission import PIPELINE_QUEUE
from protea_common.jobs.timeline import record_each
from protea_common.orm import Job, JobStatus

__all__ = ["admit", "release_held", "release_next"]

_KEY_LOCKS = 7_236
"""Namespace of the locks under which a key's running jobs are counted."""

_IS_RUNNING = (Job.status == JobStatus.RUNNING) & (Job.queue_name != PIPELINE_QUEUE)
"""What counts: a pipeline only waits for its steps."""


async def admit(work: UnitOfWork, claimable: Select[UUID], *, limit: int) -> Sequence[UUID]:
    """Choose the jobs that may begin, oldest first, and hold the others.

    Parameters
    ----------
    claimable
        Locks the rows of the jobs that could be claimed.
    limit
        Jobs of one key that may run at a time, 1 or more; jobs without a key are not counted.
    """
    rows = (await work.session.execute(claimable.add_columns(Job.api_key_prefix, Job.created_at))).all()
    jobs = sorted(rows, key=lambda job: job.created_at)
    room = await _room(work, sorted({job.api_key_prefix for job in jobs if job.api_key_prefix is not None}), limit)
    admitted: list[UUID] = []
    over: list[UUID] = []
    for job in jobs:
        if job.api_key_prefix is None:
            admitted.append(job.id)
            continue
        room[job.api_key_prefix] -= 1
        (admitted if room[job.api_key_prefix] >= 0 else over).append(job.id)
    await _hold(work, over, limit=limit)
    return admitted


async def release_next(work: UnitOfWork, api_key_prefix: str) -> None:
    """Send the job of a key that was held for longest, in the transaction that ends another one of that key."""
    held = (
        select(Job.id)
        .where(Job.api_key_prefix == api_key_prefix, Job.held_at.is_not(None), Job.status == JobStatus.QUEUED)
        .order_by(Job.held_at)
        .limit(1)
        .with_for_update(skip_locked=True, key_share=True)
    )
    await _release(work, held)


async def release_held(work: UnitOfWork, *, limit: int) -> None:
    """Send the held jobs for which their key has room; without a limit (0), all of them.

    The reaper does it: a job that was held while another one's end was being committed had nobody to release it.
    """
    running = (
        select(Job.api_key_prefix, func.count().label("jobs"))
        .where(_IS_RUNNING, Job.api_key_prefix.is_not(None))
        .group_by(Job.api_key_prefix)
        .subquery()
    )
    place = func.row_number().over(partition_by=Job.api_key_prefix, order_by=Job.held_at)
    held = (
        select(Job.id, Job.api_key_prefix, place.label("place"))
        .where(Job.held_at.is_not(None), Job.status == JobStatus.QUEUED)
        .subquery()
    )
    released = select(held.c.id).outerjoin(running, running.c.api_key_prefix == held.c.api_key_prefix)
    if limit:
        released = released.where(held.c.place + func.coalesce(running.c.jobs, 0) <= limit)
    await _release(work, released)


async def _room(work: UnitOfWork, keys: Sequence[str], limit: int) -> dict[str, int]:
    """How many jobs of each key may begin; counted under a lock, so that two claims do not fill the same room."""
    for key in keys:
        lock = text("SELECT pg_advisory_xact_lock(:space, hashtext(:key))").bindparams(space=_KEY_LOCKS, key=key)
        await work.session.execute(lock)
    room = dict.fromkeys(keys, limit)
    if keys:
        count = select(Job.api_key_prefix, func.count().label("jobs")).where(_IS_RUNNING, Job.api_key_prefix.in_(keys))
        for row in await work.session.execute(count.group_by(Job.api_key_prefix)):
            room[row.api_key_prefix or ""] = limit - row.jobs
    return room


async def _hold(work: UnitOfWork, jobs: Sequence[UUID], *, limit: int) -> None:
    if not jobs:
        return
    held = await work.session.scalars(
        update(Job)
        .where(Job.id.in_(jobs), Job.held_at.is_(None))
        .values(held_at=func.now())
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    )
    await record_each(work, "job.held", {job_id: {"running_jobs_per_key": limit} for job_id in held})


async def _release(work: UnitOfWork, which: Select[UUID]) -> None:
    released = await work.session.execute(
        update(Job)
        .where(Job.id.in_(which), Job.held_at.is_not(None))
        .values(held_at=None)
        .returning(Job.id, Job.operation, Job.traceparent)
        .execution_options(synchronize_session=False)
    )
    for row in released.all():
        work.publish(JobCreated(job_id=row.id, operation=row.operation), traceparent=row.traceparent)
