"""Claiming work: the values that a worker holds while it runs a job or a batch, and the SQL that grants them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select, update
from sqlalchemy.orm import aliased

from protea_common.db import UnitOfWork
from protea_common.errors import TransientError
from protea_common.events import JobStarted
from protea_common.jobs.fair_share import admit
from protea_common.jobs.precedence import give_way
from protea_common.jobs.timeline import record_each
from protea_common.orm import LEASE_TOKEN_SEQUENCE, BatchStatus, Job, JobBatch, JobStatus

__all__ = [
    "BatchClaim",
    "ClaimRequest",
    "JobClaim",
    "LeaseLostError",
    "claim_batch",
    "claim_job",
    "claim_jobs",
    "guard_batch",
    "guard_job",
]


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
    traceparent
        Trace of its job, if the message that brought it asked for another batch, which gave way.
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
    traceparent: str | None = None


_JOB_CLAIM_COLUMNS = (
    Job.id.label("job_id"),
    Job.operation,
    Job.payload,
    Job.attempt,
    Job.max_attempts,
    Job.lease_token.label("token"),
)
"""The columns that a claim is made of, under the names of `JobClaim`."""

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


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """A message that offers a job.

    Attributes
    ----------
    job_id
        The job.
    event_id
        The event that offers it.
    traceparent
        Trace that its `JobStarted` belongs to; the current span's when ``None``.
    """

    job_id: UUID
    event_id: UUID
    traceparent: str | None = None


async def claim_job(
    work: UnitOfWork, job_id: UUID, *, event_id: UUID, lease: timedelta, worker: str
) -> JobClaim | None:
    """Move a job from QUEUED to RUNNING and hold it; ``None`` if there is nothing to do."""
    claims = await claim_jobs(work, [ClaimRequest(job_id, event_id)], lease=lease, worker=worker)
    return claims.get(job_id)


async def claim_jobs(
    work: UnitOfWork,
    requests: Sequence[ClaimRequest],
    *,
    lease: timedelta,
    worker: str,
    running_jobs_per_key: int = 0,
) -> dict[UUID, JobClaim]:
    """Move jobs from QUEUED to RUNNING and hold them; those with which there is nothing to do are left out.

    A job that waits for another can be claimed once that one has succeeded. A second delivery finds the job running,
    ended or cancelled.

    Parameters
    ----------
    requests
        One per job.
    running_jobs_per_key
        Jobs of one API key that may run at a time; what is over it is held until one ends. 0 for no limit.
    """
    by_job = {request.job_id: request for request in requests}
    claimable = _claimable(by_job)
    chosen = await admit(work, claimable, limit=running_jobs_per_key) if running_jobs_per_key else claimable
    statement = (
        update(Job)
        .where(Job.id.in_(chosen))
        .values(
            status=JobStatus.RUNNING,
            started_at=func.coalesce(Job.started_at, func.now()),
            leased_until=func.now() + lease,
            lease_token=LEASE_TOKEN_SEQUENCE.next_value(),
            attempt=Job.attempt + 1,
            worker=worker,
            available_at=None,
            held_at=None,
        )
        .returning(*_JOB_CLAIM_COLUMNS)
        .execution_options(synchronize_session=False)
    )
    rows = (await work.session.execute(statement)).mappings()
    claims = {row["job_id"]: JobClaim(**row, event_id=by_job[row["job_id"]].event_id) for row in rows}
    started = {id_: {"attempt": claim.attempt, "worker": worker} for id_, claim in claims.items()}
    await record_each(work, "job.started", started)
    for id_, claim in claims.items():
        event = JobStarted(job_id=id_, operation=claim.operation, attempt=claim.attempt)
        work.publish(event, traceparent=by_job[id_].traceparent)
    return claims


def _claimable(job_ids: Collection[UUID]) -> Select[UUID]:
    """Lock what can be claimed in the order of ids, so that workers who are offered the same jobs do not deadlock."""
    upstream = aliased(Job)
    released = exists().where(upstream.id == Job.waits_for_job_id, upstream.status == JobStatus.SUCCEEDED)
    return (
        select(Job.id)
        .where(Job.id.in_(job_ids), Job.status == JobStatus.QUEUED, Job.waits_for_job_id.is_(None) | released)
        .order_by(Job.id)
        .with_for_update(of=Job, key_share=True)
    )


async def claim_batch(
    work: UnitOfWork,
    job_id: UUID,
    batch_index: int,
    *,
    event_id: UUID,
    lease: timedelta,
    worker: str,
    interactive_batches: int = 0,
) -> BatchClaim | None:
    """Move a batch from PENDING to RUNNING while its job is RUNNING; ``None`` if there is nothing to do.

    Parameters
    ----------
    interactive_batches
        A batch of a longer job gives way to one of a job with at most so many batches, and is asked for again; 0 for
        strict turns.
    """
    which: ColumnElement[bool] = (JobBatch.job_id == job_id) & (JobBatch.batch_index == batch_index)
    urgent = None
    if interactive_batches:
        urgent = await give_way(work, job_id, batch_index, interactive_batches=interactive_batches)
    if urgent is not None:
        which = JobBatch.id == urgent.id
    claim = await _claim_batch(work, which, event_id=event_id, lease=lease, worker=worker)
    return claim if claim is None or urgent is None else replace(claim, traceparent=urgent.traceparent)


async def _claim_batch(
    work: UnitOfWork, which: ColumnElement[bool], *, event_id: UUID, lease: timedelta, worker: str
) -> BatchClaim | None:
    statement = (
        update(JobBatch)
        .where(which, JobBatch.status == BatchStatus.PENDING)
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

    A job that was dispatched has no lease any more, also if the answer to that commit was lost.

    Raises
    ------
    LeaseLostError
        If another worker took the job over, or it was cancelled.
    """
    held = await work.session.scalar(
        select(Job.id)
        .where(Job.id == claim.job_id, Job.lease_token == claim.token, Job.leased_until.is_not(None))
        .where(Job.status == JobStatus.RUNNING)
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
