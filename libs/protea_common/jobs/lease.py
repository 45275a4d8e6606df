"""Keeping a lease while the work runs: the event loop renews it, and stops the work when it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db import DATABASE_AWAY, SessionFactory, session_scope
from protea_common.jobs.claim import BatchClaim, JobClaim, LeaseLostError
from protea_common.orm import BatchStatus, Job, JobBatch, JobStatus

__all__ = ["LeaseTimes", "run_under_lease"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """How long a claim holds, and how often it is renewed.

    Attributes
    ----------
    lease
        After so long without a renewal the work is given to another worker.
    heartbeat
        Pause between renewals; at least three should fit into a lease, so that one lost answer costs nothing.
    """

    lease: timedelta = timedelta(seconds=20)
    heartbeat: timedelta = timedelta(seconds=5)


class _Renewal(StrEnum):
    HELD = "held"
    GIVEN_UP = "given up by ourselves"
    LOST = "lost"


async def run_under_lease(
    session_factory: SessionFactory,
    claim: JobClaim | BatchClaim,
    work: Callable[[], Awaitable[None]],
    *,
    times: LeaseTimes,
) -> None:
    """Run the work while renewing its lease.

    Raises
    ------
    LeaseLostError
        If the job was cancelled or the work went to another worker; the work is stopped at its next ``await``.
    """
    task = asyncio.ensure_future(_run(work))
    keeper = asyncio.create_task(_keep(session_factory, claim, times=times))
    try:
        await asyncio.wait((task, keeper), return_when=asyncio.FIRST_COMPLETED)
        if not task.done() and keeper.result() is _Renewal.LOST:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            raise LeaseLostError(f"Job {claim.job_id} was cancelled or taken over while it ran here.")
        await task
    finally:
        for pending in (task, keeper):
            pending.cancel()
        await asyncio.gather(task, keeper, return_exceptions=True)


async def _run(work: Callable[[], Awaitable[None]]) -> None:
    await work()


async def _keep(session_factory: SessionFactory, claim: JobClaim | BatchClaim, *, times: LeaseTimes) -> _Renewal:
    while True:
        await asyncio.sleep(times.heartbeat.total_seconds())
        try:
            renewal = await _renew(session_factory, claim, lease=times.lease)
        except DATABASE_AWAY as exc:
            # The fencing token guards the writes; an unreachable database is no reason to throw work away.
            logger.warning("the lease could not be renewed", extra={"job_id": str(claim.job_id), "detail": str(exc)})
            continue
        if renewal is not _Renewal.HELD:
            return renewal


async def _renew(session_factory: SessionFactory, claim: JobClaim | BatchClaim, *, lease: timedelta) -> _Renewal:
    async with session_scope(session_factory) as session:
        match claim:
            case JobClaim():
                held, ours = await _renew_job(session, claim, lease=lease)
            case BatchClaim():
                held, ours = await _renew_batch(session, claim, lease=lease)
    return _Renewal.HELD if held else _Renewal.GIVEN_UP if ours else _Renewal.LOST


async def _renew_job(session: AsyncSession, claim: JobClaim, *, lease: timedelta) -> tuple[bool, bool]:
    """Whether the lease was renewed; if not, whether this worker itself gave it up by dispatching or finishing."""
    ours = (Job.id == claim.job_id) & (Job.lease_token == claim.token)
    renewed = await session.scalar(
        update(Job)
        .where(ours, Job.status == JobStatus.RUNNING, Job.leased_until.is_not(None))
        .values(leased_until=func.now() + lease)
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    )
    if renewed is not None:
        return True, True
    given_up = select(Job.id).where(ours, Job.status.in_((JobStatus.RUNNING, JobStatus.SUCCEEDED)))
    return False, await session.scalar(given_up) is not None


async def _renew_batch(session: AsyncSession, claim: BatchClaim, *, lease: timedelta) -> tuple[bool, bool]:
    """As `_renew_job`; a batch is also lost when its job has ended."""
    ours = (JobBatch.id == claim.batch_id) & (JobBatch.lease_token == claim.token)
    renewed = await session.scalar(
        update(JobBatch)
        .where(ours, JobBatch.status == BatchStatus.RUNNING)
        .where(Job.id == JobBatch.job_id, Job.status == JobStatus.RUNNING)
        .values(leased_until=func.now() + lease)
        .returning(JobBatch.id)
        .execution_options(synchronize_session=False)
    )
    if renewed is not None:
        return True, True
    return False, await session.scalar(select(JobBatch.id).where(ours, JobBatch.status == BatchStatus.DONE)) is not None
