"""Claiming work: the values that a worker holds while it runs a job or a batch, and the SQL that grants them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import aliased

from protea_common.db import UnitOfWork
from protea_common.errors import TransientError
from protea_common.events import JobStarted
from protea_common.jobs.timeline import record
from protea_common.orm import LEASE_TOKEN_SEQUENCE, BatchStatus, Job, JobBatch, JobStatus

__all__ = ["BatchClaim", "JobClaim", "LeaseLostError", "claim_batch", "claim_job", "guard_batch", "guard_job"]


class LeaseLostError(TransientError):
    """Another worker owns this work now, or it was cancelled; nothing that was computed is written."""


@dataclass(frozen=True, slots=True)
class JobClaim:
    """A job that this worker runs.

    Attributes
    ----------
    job_id, operation, payload
        What to do; the payload is as it was accepted.
    attempt, max_attempts
        This try, from 1, and the last one that is allowed.
    token
        Fencing token: a write is refused once another worker holds a newer one.
    event_id
        Event that brought the work, remembered in the inbox with its effect.
    """

    job_id: UUID
    operation: str
    payload: Mapping[str, Any]
    attempt: int
    max_attempts: int
    token: int
    event_id: UUID


@dataclass(frozen=True, slots=True)
class BatchClaim:
    """A batch of a job that this worker runs; attributes as in `JobClaim`.

    Attributes
    ----------
    kind
        Base of its event types, for example ``embeddings.batch``.
    payload
        Identifiers of what is in the batch.
    job_payload
        Payload of the job that it belongs to.
    """

    batch_id: int
    job_id: UUID
    batch_index: int
    kind: str
    operation: str
    payload: Mapping[str, Any]
    job_payload: Mapping[str, Any]
    attempt: int
    max_attempts: int
    token: int
    event_id: UUID


_BATCH_CLAIM_COLUMNS = (
    JobBatch.id.label("batch_id"),
    JobBatch.job_id,
    JobBatch.batch_index,
    JobBatch.kind,
    JobBatch.payload,
    JobBatch.attempt,
    JobBatch.lease_token.label("token"),
    Job.operation,
    Job.payload.label("job_payload"),
    Job.max_attempts,
)
"""The columns that a claim is made of, under the names of `BatchClaim`."""


async def claim_job(
    work: UnitOfWork, job_id: UUID, *, event_id: UUID, lease: timedelta, worker: str
) -> JobClaim | None:
    """Move a job from QUEUED to RUNNING and hold it; ``None`` if there is nothing to do.

    A job that waits for another can be claimed once that one has succeeded. A second delivery finds the job running,
    ended or cancelled, and gets ``None``.
    """
    upstream = aliased(Job)
    released = exists().where(upstream.id == Job.waits_for_job_id, upstream.status == JobStatus.SUCCEEDED)
    statement = (
        update(Job)
        .where(Job.id == job_id, Job.status == JobStatus.QUEUED, Job.waits_for_job_id.is_(None) | released)
        .values(
            status=JobStatus.RUNNING,
            started_at=func.coalesce(Job.started_at, func.now()),
            leased_until=func.now() + lease,
            lease_token=LEASE_TOKEN_SEQUENCE.next_value(),
            attempt=Job.attempt + 1,
            worker=worker,
            available_at=None,
        )
        .returning(Job.operation, Job.payload, Job.attempt, Job.max_attempts, Job.lease_token)
        .execution_options(synchronize_session=False)
    )
    row = (await work.session.execute(statement)).one_or_none()
    if row is None:
        return None
    claim = JobClaim(job_id, row.operation, row.payload, row.attempt, row.max_attempts, row.lease_token, event_id)
    await record(work, job_id, "job.started", fields={"attempt": row.attempt, "worker": worker})
    work.publish(JobStarted(job_id=job_id, operation=row.operation, attempt=row.attempt))
    return claim


async def claim_batch(
    work: UnitOfWork, job_id: UUID, batch_index: int, *, event_id: UUID, lease: timedelta, worker: str
) -> BatchClaim | None:
    """Move a batch from PENDING to RUNNING while its job is RUNNING; ``None`` if there is nothing to do."""
    statement = (
        update(JobBatch)
        .where(JobBatch.job_id == job_id, JobBatch.batch_index == batch_index, JobBatch.status == BatchStatus.PENDING)
        .where(Job.id == JobBatch.job_id, Job.status == JobStatus.RUNNING)
        .values(
            status=BatchStatus.RUNNING,
            started_at=func.coalesce(JobBatch.started_at, func.now()),
            leased_until=func.now() + lease,
            lease_token=LEASE_TOKEN_SEQUENCE.next_value(),
            attempt=JobBatch.attempt + 1,
            worker=worker,
        )
        .returning(*_BATCH_CLAIM_COLUMNS)
        .execution_options(synchronize_session=False)
    )
    row = (await work.session.execute(statement)).mappings().one_or_none()
    return None if row is None else BatchClaim(**row, event_id=event_id)


async def guard_job(work: UnitOfWork, claim: JobClaim) -> None:
    """Hold the job's row until the commit, if the lease is still ours. Call it first in a transaction that writes.

    Raises
    ------
    LeaseLostError
        If another worker took the job over, or it was cancelled.
    """
    held = await work.session.scalar(
        select(Job.id)
        .where(Job.id == claim.job_id, Job.lease_token == claim.token, Job.status == JobStatus.RUNNING)
        .with_for_update(key_share=True)
    )
    if held is None:
        raise LeaseLostError(f"Job {claim.job_id} is no longer ours (attempt {claim.attempt}).")


async def guard_batch(work: UnitOfWork, claim: BatchClaim) -> None:
    """Hold the batch's row until the commit, if the lease is still ours and its job still runs.

    Raises
    ------
    LeaseLostError
        If another worker took the batch over, or its job has ended.
    """
    held = await work.session.scalar(
        select(JobBatch.id)
        .join(Job, Job.id == JobBatch.job_id)
        .where(
            JobBatch.id == claim.batch_id,
            JobBatch.lease_token == claim.token,
            JobBatch.status == BatchStatus.RUNNING,
            Job.status == JobStatus.RUNNING,
        )
        .with_for_update(of=JobBatch, key_share=True)
    )
    if held is None:
        raise LeaseLostError(f"Batch {claim.batch_index} of job {claim.job_id} is no longer ours.")
