"""How jobs end, each exactly once, and what an end sets free: waiting jobs, pipelines, open batches.

Rows are locked in one order everywhere, batch before job before pipeline, so that two endings cannot deadlock.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Numeric, Row, cast, extract, func, select, update

from protea_common.db import UnitOfWork
from protea_common.events import Event, JobCancelled, JobCreated, JobFailed, JobProgress, JobSucceeded
from protea_common.jobs.claim import JobClaim, guard_job
from protea_common.jobs.fair_share import release_next
from protea_common.jobs.timeline import record
from protea_common.orm import ACTIVE_STATUSES, BatchStatus, Job, JobBatch, JobStatus

__all__ = ["MAX_ERROR_CHARACTERS", "cancel_job", "fail_job", "finish_job", "succeed_job"]

MAX_ERROR_CHARACTERS = 2000
"""Longer messages are cut: they go into rows, events and dead-letter headers."""


async def succeed_job(work: UnitOfWork, job_id: UUID, *, result: Mapping[str, Any]) -> bool:
    """End a running job as SUCCEEDED and release what waits for it; false if it had ended already."""
    ended = await _end(work, job_id, JobStatus.SUCCEEDED, result=dict(result))
    if ended is None:
        return False
    await record(work, job_id, "job.succeeded", fields=result)
    succeeded = JobSucceeded(
        job_id=job_id, operation=ended.operation, seconds=_seconds(ended.seconds), result=dict(result)
    )
    work.publish(succeeded)
    await _release_waiting(work, job_id)
    if ended.parent_job_id is not None:
        await _advance_pipeline(work, ended.parent_job_id, result=result)
    return True


async def finish_job(work: UnitOfWork, claim: JobClaim, *, result: Mapping[str, Any]) -> None:
    """End a job that this worker ran in one step, in the transaction that wrote its last rows.

    Raises
    ------
    LeaseLostError
        If the job is no longer ours; the transaction must roll back.
    """
    await guard_job(work, claim)
    await work.receive(claim.operation, claim.event_id)
    await succeed_job(work, claim.job_id, result=result)


async def fail_job(work: UnitOfWork, job_id: UUID, *, error_code: str, error_message: str) -> bool:
    """End an active job as FAILED; what waits for it is cancelled, its pipeline fails with the same error."""
    message = error_message[:MAX_ERROR_CHARACTERS]
    ended = await _end(work, job_id, JobStatus.FAILED, error_code=error_code, error_message=message)
    if ended is None:
        return False
    await record(work, job_id, "job.failed", level="error", message=message, fields={"error_code": error_code})
    failed = JobFailed(
        job_id=job_id,
        operation=ended.operation,
        seconds=_seconds(ended.seconds),
        error_code=error_code,
        error_message=message,
    )
    work.publish(failed)
    await _cancel_open_batches(work, job_id)
    await _cancel_waiting(work, job_id, reason="upstream_failed")
    if ended.parent_job_id is not None:
        await fail_job(work, ended.parent_job_id, error_code=error_code, error_message=message)
    return True


async def cancel_job(work: UnitOfWork, job_id: UUID, *, reason: str) -> int:
    """Cancel a job, its steps and what waits for it; give how many jobs were cancelled.

    Cancelling is cooperative: a worker notices when it renews its lease or writes, and its write is refused.
    """
    children = (
        await work.session.scalars(
            select(Job.id)
            .where(Job.parent_job_id == job_id, Job.status.in_(ACTIVE_STATUSES))
            .order_by(Job.id)
            .with_for_update(key_share=True)
        )
    ).all()
    cancelled = 0
    for child in children:
        cancelled += len(await _cancel_one(work, child, reason="parent_cancelled"))
    itself = await _cancel_one(work, job_id, reason=reason)
    cancelled += len(itself)
    for pipeline_id in itself:
        if pipeline_id is not None:
            cancelled += len(await _cancel_one(work, pipeline_id, reason="step_cancelled"))
    return cancelled


async def _cancel_one(work: UnitOfWork, job_id: UUID, *, reason: str) -> list[UUID | None]:
    """Cancel a job and, in turn, what waits for it; give the pipelines of those that were cancelled."""
    ended = await _end(work, job_id, JobStatus.CANCELLED)
    if ended is None:
        return []
    await record(work, job_id, "job.cancelled", level="warning", fields={"reason": reason})
    seconds = _seconds(ended.seconds)
    work.publish(JobCancelled(job_id=job_id, operation=ended.operation, seconds=seconds, reason=reason))
    await _cancel_open_batches(work, job_id)
    return [ended.parent_job_id, *await _cancel_waiting(work, job_id, reason="upstream_ended")]


async def _end(
    work: UnitOfWork, job_id: UUID, status: JobStatus, **columns: Any
) -> Row[str, UUID | None, Decimal | None, str | None] | None:
    seconds = cast(extract("epoch", func.now() - Job.started_at), Numeric)
    statement = (
        update(Job)
        .where(Job.id == job_id, Job.status.in_(ACTIVE_STATUSES))
        .values(status=status, finished_at=func.now(), leased_until=None, held_at=None, **columns)
        .returning(Job.operation, Job.parent_job_id, seconds.label("seconds"), Job.api_key_prefix)
        .execution_options(synchronize_session=False)
    )
    ended = (await work.session.execute(statement)).one_or_none()
    if ended is not None and ended.api_key_prefix is not None:
        await release_next(work, ended.api_key_prefix)
    return ended


def _seconds(elapsed: Decimal | None) -> float:
    # A job that was never claimed took no time.
    return max(0.0, float(elapsed or 0))


async def _release_waiting(work: UnitOfWork, job_id: UUID) -> None:
    waiting = await work.session.execute(
        select(Job.id, Job.operation).where(Job.waits_for_job_id == job_id, Job.status == JobStatus.QUEUED)
    )
    for row in waiting:
        work.publish(JobCreated(job_id=row.id, operation=row.operation))


async def _cancel_waiting(work: UnitOfWork, job_id: UUID, *, reason: str) -> list[UUID | None]:
    waiting = await work.session.scalars(
        select(Job.id).where(Job.waits_for_job_id == job_id, Job.status.in_(ACTIVE_STATUSES)).order_by(Job.id)
    )
    return [pipeline for job in waiting.all() for pipeline in await _cancel_one(work, job, reason=reason)]


async def _cancel_open_batches(work: UnitOfWork, job_id: UUID) -> None:
    # A batch that a worker holds is skipped: the worker finds its job ended and closes the batch itself.
    open_batches = (
        select(JobBatch.id)
        .where(JobBatch.job_id == job_id, JobBatch.status.in_((BatchStatus.PENDING, BatchStatus.RUNNING)))
        .with_for_update(skip_locked=True)
    )
    await work.session.execute(
        update(JobBatch)
        .where(JobBatch.id.in_(open_batches))
        .values(status=BatchStatus.CANCELLED, finished_at=func.now(), leased_until=None)
        .execution_options(synchronize_session=False)
    )


async def _advance_pipeline(work: UnitOfWork, pipeline_id: UUID, *, result: Mapping[str, Any]) -> None:
    """Count a finished step; the last one ends the pipeline with its own result."""
    statement = (
        update(Job)
        .where(Job.id == pipeline_id, Job.status == JobStatus.RUNNING)
        .values(progress_current=func.coalesce(Job.progress_current, 0) + 1)
        .returning(Job.operation, Job.progress_current, Job.progress_total)
        .execution_options(synchronize_session=False)
    )
    row = (await work.session.execute(statement)).one_or_none()
    if row is None:
        return
    step: Event = JobProgress(
        job_id=pipeline_id,
        operation=row.operation,
        progress_current=row.progress_current,
        progress_total=row.progress_total,
    )
    work.publish(step)
    if row.progress_current == row.progress_total:
        await succeed_job(work, pipeline_id, result=result)
