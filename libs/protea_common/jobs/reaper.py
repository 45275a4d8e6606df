"""Finding work that nobody holds any more, and putting it where a worker will see it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Integer, Select, cast, delete, func, select, text, update
from sqlalchemy.orm import aliased

from protea_common.db import DATABASE_AWAY, UnitOfWork
from protea_common.events import JobCreated
from protea_common.jobs.batches import request_again
from protea_common.jobs.ending import fail_job
from protea_common.jobs.fair_share import release_held
from protea_common.jobs.timeline import record
from protea_common.orm import BatchStatus, InboxEvent, Job, JobBatch, JobStatus, OutboxEvent

__all__ = ["Reaper", "ReaperTimes"]

logger = logging.getLogger(__name__)

_ADVISORY_LOCK = 7_236_003
"""One reaper sweeps at a time, however many services run one."""

_FORGET_INTERVAL = timedelta(hours=1)
"""Pause between deletions of old events: each reads both tables whole."""

_LIMIT = 500
"""Rows a sweep handles of each kind; the rest wait for the next sweep."""


@dataclass(frozen=True, slots=True)
class ReaperTimes:
    """When the reaper acts.

    Attributes
    ----------
    interval
        Pause between sweeps.
    stalled_after
        Unclaimed work is sent again when its last message is older than this.
    keep_events
        Sent outbox rows and inbox rows are deleted after this; a duplicate older than that would not be noticed by the
        inbox, only by the claim.
    """

    interval: timedelta = timedelta(seconds=5)
    stalled_after: timedelta = timedelta(seconds=600)
    keep_events: timedelta = timedelta(days=7)


class Reaper:
    """Sweeps expired leases and stalled messages; safe to run in every process.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    times
        When to act.
    forgetful_bus
        The bus loses its queues with the process (the in-process one): what was sent before this start is sent again.
        A broker keeps its queues, and sending everything again at each start would only grow them.
    running_jobs_per_key
        Jobs of one API key that may run at a time; 0 for no limit.
    """

    def __init__(
        self,
        unit_of_work: Callable[[], UnitOfWork],
        *,
        times: ReaperTimes,
        forgetful_bus: bool,
        running_jobs_per_key: int = 0,
    ) -> None:
        self._running_jobs_per_key = running_jobs_per_key
        self._unit_of_work = unit_of_work
        self._times = times
        self._forgetful_bus = forgetful_bus
        self._started_at: datetime | None = None
        self._forget_at: datetime | None = None

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            try:
                await self.sweep()
            except DATABASE_AWAY as exc:
                logger.warning("the reaper could not sweep", extra={"detail": str(exc)})
            await asyncio.sleep(self._times.interval.total_seconds())

    async def sweep(self) -> bool:
        """Look once; false if another process is sweeping now."""
        async with self._unit_of_work() as work:
            lock = text("SELECT pg_try_advisory_xact_lock(:key)").bindparams(key=_ADVISORY_LOCK)
            if not await work.session.scalar(lock):
                return False
            now = (await work.session.execute(select(func.now()))).scalar_one()
            announced_since = self._announced_since(now)
            await _reap_batches(work)
            await _reap_jobs(work)
            await release_held(work, limit=self._running_jobs_per_key)
            await _resend_jobs(work, announced_since)
            await _resend_batches(work, announced_since)
            if self._forget_at is None or now >= self._forget_at:
                await _forget_events(work, older_than=self._times.keep_events)
                self._forget_at = now + _FORGET_INTERVAL
        return True

    def _announced_since(self, now: datetime) -> datetime:
        """Time from which on a message still counts as being on its way; ``now`` is of the database's clock."""
        self._started_at = self._started_at or now
        stalled = now - self._times.stalled_after
        return max(stalled, self._started_at) if self._forgetful_bus else stalled


async def _reap_jobs(work: UnitOfWork) -> None:
    """Requeue jobs whose lease has expired, or fail those that used up their attempts."""
    expired = await work.session.execute(
        select(Job.id, Job.operation, Job.attempt, Job.max_attempts, Job.worker, Job.traceparent)
        .where(Job.status == JobStatus.RUNNING, Job.leased_until < func.now())
        .order_by(Job.id)
        .limit(_LIMIT)
        .with_for_update(skip_locked=True, key_share=True)
    )
    for row in expired.all():
        fields = {"attempt": row.attempt, "worker": row.worker}
        if row.attempt >= row.max_attempts:
            message = f"The worker was lost {row.attempt} times; the job is not tried again."
            await fail_job(work, row.id, error_code="LeaseExpired", error_message=message)
            continue
        await work.session.execute(
            update(Job)
            .where(Job.id == row.id)
            .values(status=JobStatus.QUEUED, leased_until=None, worker=None)
            .execution_options(synchronize_session=False)
        )
        await record(work, row.id, "job.lease_expired_requeue", level="warning", fields=fields)
        work.publish(JobCreated(job_id=row.id, operation=row.operation), traceparent=row.traceparent)


async def _reap_batches(work: UnitOfWork) -> None:
    """Ask again for batches whose lease has expired; fail the job of one that used up its attempts."""
    expired = await work.session.execute(
        select(JobBatch.id, JobBatch.job_id, JobBatch.batch_index, JobBatch.kind, JobBatch.request, JobBatch.attempt)
        .add_columns(Job.status.label("job_status"), Job.max_attempts, Job.traceparent)
        .join(Job, Job.id == JobBatch.job_id)
        .where(JobBatch.status == BatchStatus.RUNNING, JobBatch.leased_until < func.now())
        .order_by(JobBatch.id)
        .limit(_LIMIT)
        .with_for_update(skip_locked=True, of=JobBatch, key_share=True)
    )
    for row in expired.all():
        if row.job_status is not JobStatus.RUNNING:
            await _set_batch(work, row.id, status=BatchStatus.CANCELLED, finished_at=func.now())
        elif row.attempt >= row.max_attempts:
            message = f"The worker of batch {row.batch_index} was lost {row.attempt} times; the job is not tried again."
            error = {"error_code": "LeaseExpired", "error_message": message}
            await _set_batch(work, row.id, status=BatchStatus.FAILED, finished_at=func.now(), **error)
            await fail_job(work, row.job_id, **error)
        else:
            await _set_batch(work, row.id, status=BatchStatus.PENDING)
            fields = {"batch_index": row.batch_index, "attempt": row.attempt}
            await record(work, row.job_id, "child.lease_expired_requeue", level="warning", fields=fields)
            work.publish(request_again(row.kind, row.request), traceparent=row.traceparent)


async def _set_batch(work: UnitOfWork, batch_id: int, **columns: object) -> None:
    """Take an expired batch from its worker and write what becomes of it."""
    await work.session.execute(
        update(JobBatch)
        .where(JobBatch.id == batch_id)
        .values(leased_until=None, worker=None, **columns)
        .execution_options(synchronize_session=False)
    )


async def _resend_jobs(work: UnitOfWork, announced_since: datetime) -> None:
    """Send again the jobs that wait for nothing and that no message announces."""
    upstream = aliased(Job)
    released = select(upstream.id).where(upstream.id == Job.waits_for_job_id, upstream.status == JobStatus.SUCCEEDED)
    announced = _announced(announced_since).where(
        OutboxEvent.subject == Job.id, OutboxEvent.routing_key == func.concat("job.created.", Job.operation)
    )
    stalled = await work.session.execute(
        select(Job.id, Job.operation, Job.traceparent)
        .where(Job.status == JobStatus.QUEUED, Job.held_at.is_(None), ~announced.exists())
        .where(Job.waits_for_job_id.is_(None) | released.exists())
        .order_by(Job.created_at)
        .limit(_LIMIT)
        .with_for_update(skip_locked=True, of=Job, key_share=True)
    )
    for row in stalled.all():
        await record(work, row.id, "job.queue_stall_requeue")
        work.publish(JobCreated(job_id=row.id, operation=row.operation), traceparent=row.traceparent)


async def _resend_batches(work: UnitOfWork, announced_since: datetime) -> None:
    announced = _announced(announced_since).where(
        OutboxEvent.subject == JobBatch.job_id,
        OutboxEvent.routing_key.startswith(func.concat(JobBatch.kind, ".requested")),
        cast(OutboxEvent.body["batch_index"].astext, Integer) == JobBatch.batch_index,
    )
    stalled = await work.session.execute(
        select(JobBatch.kind, JobBatch.request, Job.traceparent)
        .join(Job, Job.id == JobBatch.job_id)
        .where(JobBatch.status == BatchStatus.PENDING, Job.status == JobStatus.RUNNING, ~announced.exists())
        .order_by(JobBatch.id)
        .limit(_LIMIT)
        .with_for_update(skip_locked=True, of=JobBatch, key_share=True)
    )
    for row in stalled.all():
        work.publish(request_again(row.kind, row.request), traceparent=row.traceparent)


def _announced(since: datetime) -> Select[UUID]:
    return select(OutboxEvent.id).where(OutboxEvent.sent_at.is_(None) | (OutboxEvent.sent_at > since))


async def _forget_events(work: UnitOfWork, *, older_than: timedelta) -> None:
    await work.session.execute(delete(OutboxEvent).where(OutboxEvent.sent_at < func.now() - older_than))
    await work.session.execute(delete(InboxEvent).where(InboxEvent.received_at < func.now() - older_than))
