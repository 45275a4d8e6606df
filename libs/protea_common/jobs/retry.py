"""Trying again: when, and the rows that say so. A retry is a delayed outbox row, the same on every bus."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from protea_common.db import UnitOfWork
from protea_common.events import JobCreated
from protea_common.jobs.batches import request_again
from protea_common.jobs.claim import BatchClaim, JobClaim
from protea_common.jobs.timeline import record
from protea_common.operations import get_operation
from protea_common.orm import BatchStatus, Job, JobBatch, JobStatus

__all__ = ["RetryPolicy", "hand_back_batch", "hand_back_job", "retry_batch", "retry_job"]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter.

    Attributes
    ----------
    base
        Pause after the first failure; it doubles with every further one.
    maximum
        Longest pause.
    jitter
        Share of the pause that is random, in [0, 1]: it keeps workers that failed together apart.
    """

    base: timedelta = timedelta(seconds=1)
    maximum: timedelta = timedelta(seconds=600)
    jitter: float = 0.2

    def of(self, operation: str) -> RetryPolicy:
        """Give the policy of one operation."""
        return replace(self, base=self.base * get_operation(operation).retry_factor)

    def delay(self, attempt: int) -> timedelta:
        """Pause after the given attempt, counted from 1."""
        pause = min(self.base * float(2 ** min(attempt - 1, 30)), self.maximum)
        return pause * (1 + self.jitter * (2 * random.random() - 1))  # noqa: S311 - spreads load, guards nothing


async def retry_job(work: UnitOfWork, claim: JobClaim, *, policy: RetryPolicy, reason: str) -> None:
    """Put a running job back to QUEUED and send it again after a pause."""
    available_at = datetime.now(UTC) + policy.delay(claim.attempt)
    if await _requeue_job(work, claim, attempt=claim.attempt, available_at=available_at):
        fields = {"attempt": claim.attempt, "reason": reason, "available_at": available_at.isoformat()}
        await record(work, claim.job_id, "job.retry_later", level="warning", message=reason, fields=fields)
        work.publish(JobCreated(job_id=claim.job_id, operation=claim.operation), available_at=available_at)


async def hand_back_job(work: UnitOfWork, claim: JobClaim) -> None:
    """Give a running job back because this worker stops; the try does not count."""
    if await _requeue_job(work, claim, attempt=claim.attempt - 1, available_at=None):
        await record(work, claim.job_id, "job.requeued_on_shutdown")
        work.publish(JobCreated(job_id=claim.job_id, operation=claim.operation))


async def retry_batch(work: UnitOfWork, claim: BatchClaim, *, policy: RetryPolicy, reason: str) -> None:
    """Put a running batch back to PENDING and ask for it again after a pause."""
    request = await _requeue_batch(work, claim, attempt=claim.attempt)
    if request is not None:
        available_at = datetime.now(UTC) + policy.delay(claim.attempt)
        fields = {"batch_index": claim.batch_index, "attempt": claim.attempt, "reason": reason}
        await record(work, claim.job_id, "child.retry_later", level="warning", message=reason, fields=fields)
        work.publish(request_again(claim.kind, request), available_at=available_at)


async def hand_back_batch(work: UnitOfWork, claim: BatchClaim) -> None:
    """Give a running batch back because this worker stops; the try does not count."""
    request = await _requeue_batch(work, claim, attempt=claim.attempt - 1)
    if request is not None:
        work.publish(request_again(claim.kind, request))


async def _requeue_job(work: UnitOfWork, claim: JobClaim, *, attempt: int, available_at: datetime | None) -> bool:
    # A job without a lease was dispatched, perhaps by a commit whose answer was lost: its batches carry it now.
    held = (Job.id == claim.job_id) & (Job.lease_token == claim.token) & Job.leased_until.is_not(None)
    statement = (
        update(Job)
        .where(held, Job.status == JobStatus.RUNNING)
        .values(status=JobStatus.QUEUED, leased_until=None, attempt=attempt, available_at=available_at, worker=None)
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    )
    return await work.session.scalar(statement) is not None


async def _requeue_batch(work: UnitOfWork, claim: BatchClaim, *, attempt: int) -> dict[str, object] | None:
    statement = (
        update(JobBatch)
        .where(
            JobBatch.id == claim.batch_id,
            JobBatch.lease_token == claim.token,
            JobBatch.status == BatchStatus.RUNNING,
        )
        .values(status=BatchStatus.PENDING, leased_until=None, attempt=attempt, worker=None)
        .returning(JobBatch.request)
        .execution_options(synchronize_session=False)
    )
    return await work.session.scalar(statement)
