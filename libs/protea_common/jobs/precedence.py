"""Short jobs first: a batch of a long job gives way to one of a job that is soon over.

Quorum queues have no priorities, and a second queue per pool would have to be consumed, scaled and watched. So the
database decides: the message of a long job's batch that finds a short job waiting brings that one's batch instead, and
is sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, select

from protea_common.db import UnitOfWork
from protea_common.events import read_event
from protea_common.orm import BatchStatus, Job, JobBatch, JobStatus

__all__ = ["Urgent", "give_way"]


@dataclass(frozen=True, slots=True)
class Urgent:
    """A batch that goes first, and the trace of its job."""

    id: int
    traceparent: str | None


async def give_way(work: UnitOfWork, job_id: UUID, batch_index: int, *, interactive_batches: int) -> Urgent | None:
    """Find a batch of a short job that waits while a long job's batch is about to begin, and hold its row.

    The long job's batch is asked for again in the same transaction, since the message that brought it is used up. A
    batch that was tried before comes with its own message, after its own pause, and nobody gives way to it.

    Parameters
    ----------
    job_id, batch_index
        The batch that a message asks for.
    interactive_batches
        Most batches of a short job.

    Returns
    -------
    urgent
        ``None`` if the batch that was asked for may begin, or need not.
    """
    asked_for = (
        select(JobBatch.kind, JobBatch.request, Job.traceparent)
        .join(Job, Job.id == JobBatch.job_id)
        .where(JobBatch.job_id == job_id, JobBatch.batch_index == batch_index)
        .where(JobBatch.status == BatchStatus.PENDING, Job.status == JobStatus.RUNNING)
        .where(Job.progress_total > interactive_batches)
    )
    long = (await work.session.execute(asked_for)).one_or_none()
    if long is None:
        return None
    row = (await work.session.execute(_short(long.kind, interactive_batches))).one_or_none()
    if row is None:
        return None
    work.publish(read_event(f"{long.kind}.requested", long.request), traceparent=long.traceparent)
    return Urgent(row.id, row.traceparent)


def _short(kind: str, interactive_batches: int) -> Select[int, str | None]:
    return (
        select(JobBatch.id, Job.traceparent)
        .join(Job, Job.id == JobBatch.job_id)
        .where(JobBatch.kind == kind, JobBatch.status == BatchStatus.PENDING, JobBatch.attempt == 0)
        .where(Job.status == JobStatus.RUNNING, Job.progress_total <= interactive_batches)
        .order_by(JobBatch.id)
        .limit(1)
        .with_for_update(of=JobBatch, skip_locked=True, key_share=True)
    )
