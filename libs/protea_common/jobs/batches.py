"""Cutting a job into batches, and closing them: progress is the count of distinct batches that are done."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from protea_common.db import UnitOfWork, copy_rows
from protea_common.events import Event, read_event
from protea_common.events.batch import BatchDone, BatchRequested
from protea_common.jobs.claim import BatchClaim, JobClaim, LeaseLostError, guard_job
from protea_common.jobs.ending import MAX_ERROR_CHARACTERS, fail_job
from protea_common.jobs.timeline import record, report_progress
from protea_common.orm import BatchStatus, Job, JobBatch, JobStatus

__all__ = ["NewBatch", "abandon_batch", "complete_batch", "dispatch_batches", "fail_batch", "request_again"]


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch to be done: the event that asks for it, and the identifiers of what is in it.

    Attributes
    ----------
    request
        Its ``...requested`` event; job and index are in it.
    payload
        Identifiers that the worker reads from the row, so that they need not fit into a message.
    """

    request: BatchRequested
    payload: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Base of the batch's event types."""
        return self.request.type.removesuffix(".requested")


async def dispatch_batches(work: UnitOfWork, claim: JobClaim, batches: Sequence[NewBatch]) -> None:
    """Write a job's batches, ask for each, and give up the job's lease: from now on its batches carry it.

    Raises
    ------
    LeaseLostError
        If the job is no longer ours.
    """
    await guard_job(work, claim)
    await _insert_batches(work, claim.job_id, batches)
    for batch in batches:
        work.publish(batch.request)
    await work.session.execute(
        update(Job)
        .where(Job.id == claim.job_id)
        .values(leased_until=None, progress_current=0, progress_total=len(batches))
        .execution_options(synchronize_session=False)
    )
    await work.receive(claim.operation, claim.event_id)
    await record(work, claim.job_id, "job.dispatched", fields={"batches": len(batches)})


async def _insert_batches(work: UnitOfWork, job_id: UUID, batches: Sequence[NewBatch]) -> None:
    rows = (
        (job_id, batch.request.batch_index, batch.kind, batch.request.model_dump_json(), json.dumps(batch.payload))
        for batch in batches
    )
    columns = ("job_id", "batch_index", "kind", "request", "payload")
    await copy_rows(work.session, JobBatch.__tablename__, columns, rows)


def request_again(kind: str, request: Mapping[str, Any]) -> Event:
    """Make the event that asks once more for a batch, from the fields of its first request."""
    return read_event(f"{kind}.requested", request)


async def complete_batch(work: UnitOfWork, claim: BatchClaim, done: BatchDone, *, counts: Mapping[str, Any]) -> int:
    """Close a batch in the transaction that wrote its rows; give how many of the job's batches are still open.

    The job's row is locked first: of two workers that finish at once, the second sees the first one's batch closed.
    When the result is 0 the caller ends the job in the same transaction.

    Raises
    ------
    LeaseLostError
        If the job has ended meanwhile; the transaction must roll back.
    """
    running = await work.session.scalar(
        select(Job.id).where(Job.id == claim.job_id, Job.status == JobStatus.RUNNING).with_for_update(key_share=True)
    )
    if running is None:
        raise LeaseLostError(f"Job {claim.job_id} ended while its batch {claim.batch_index} ran.")
    await work.session.execute(
        update(JobBatch)
        .where(JobBatch.id == claim.batch_id, JobBatch.lease_token == claim.token)
        .values(status=BatchStatus.DONE, finished_at=func.now(), leased_until=None, counts=dict(counts))
        .execution_options(synchronize_session=False)
    )
    await work.receive(claim.kind, claim.event_id)
    work.publish(done)
    total, finished = await _count_batches(work, claim.job_id)
    await report_progress(work, claim.job_id, current=finished, total=total)
    return total - finished


async def fail_batch(work: UnitOfWork, claim: BatchClaim, *, error_code: str, error_message: str) -> None:
    """Close a batch as FAILED; its job fails with it and the other open batches are cancelled."""
    message = error_message[:MAX_ERROR_CHARACTERS]
    closed = await work.session.scalar(
        update(JobBatch)
        .where(
            JobBatch.id == claim.batch_id,
            JobBatch.lease_token == claim.token,
            JobBatch.status == BatchStatus.RUNNING,
        )
        .values(
            status=BatchStatus.FAILED,
            finished_at=func.now(),
            leased_until=None,
            error_code=error_code,
            error_message=message,
        )
        .returning(JobBatch.id)
        .execution_options(synchronize_session=False)
    )
    if closed is None:
        return
    work.publish(_failed_event(claim, error_code, message))
    await fail_job(work, claim.job_id, error_code=error_code, error_message=message)


async def abandon_batch(work: UnitOfWork, claim: BatchClaim) -> None:
    """Close a batch whose job ended while a worker held it; nothing happens if another worker has it."""
    await work.session.execute(
        update(JobBatch)
        .where(
            JobBatch.id == claim.batch_id,
            JobBatch.lease_token == claim.token,
            JobBatch.status == BatchStatus.RUNNING,
            Job.id == JobBatch.job_id,
            Job.status != JobStatus.RUNNING,
        )
        .values(status=BatchStatus.CANCELLED, finished_at=func.now(), leased_until=None)
        .execution_options(synchronize_session=False)
    )


def _failed_event(claim: BatchClaim, error_code: str, message: str) -> Event:
    fields = {
        "job_id": claim.job_id,
        "batch_index": claim.batch_index,
        "error_code": error_code,
        "error_message": message,
    }
    return read_event(f"{claim.kind}.failed", fields)


async def _count_batches(work: UnitOfWork, job_id: UUID) -> tuple[int, int]:
    row = (
        await work.session.execute(
            select(
                func.count().label("total"),
                func.count().filter(JobBatch.status == BatchStatus.DONE).label("done"),
            ).where(JobBatch.job_id == job_id)
        )
    ).one()
    return row.total, row.done
