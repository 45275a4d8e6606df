"""The consumer loop's two handlers: claim, run under a lease, settle. Only here is decided what an outcome means."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from asyncpg import InternalClientError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from protea_common.db import SessionFactory, UnitOfWork
from protea_common.errors import PermanentError, ProteaError, TransientError
from protea_common.events import Envelope, Event, EventFormatError, JobCreated
from protea_common.events.batch import BatchRequested
from protea_common.events.registry import read_event
from protea_common.jobs.batches import abandon_batch, fail_batch
from protea_common.jobs.claim import BatchClaim, JobClaim, LeaseLostError, claim_batch, guard_job
from protea_common.jobs.ending import fail_job
from protea_common.jobs.grouping import GroupedClaims
from protea_common.jobs.lease import LeaseTimes, run_under_lease
from protea_common.jobs.retry import RetryPolicy, hand_back_batch, hand_back_job, retry_batch, retry_job
from protea_common.jobs.spans import run_traced
from protea_common.messaging.bus import Acknowledged, DeadLettered, Disposition, Handler, IncomingMessage
from protea_common.messaging.codec import MalformedMessageError, decode
from protea_common.messaging.tracing import consumer_span

__all__ = ["BatchUseCase", "ConsumerParts", "JobUseCase", "consume_batches", "consume_jobs"]

logger = logging.getLogger(__name__)

JobUseCase = Callable[[JobClaim], Awaitable[None]]
BatchUseCase = Callable[[BatchClaim], Awaitable[None]]

_BUG_ATTEMPTS = 3
"""Tries for an exception that nobody meant to raise: it may be a passing oddity, more often it is a bug."""


@dataclass(frozen=True, slots=True)
class ConsumerParts:
    """What the handlers need, the same for all of a service's queues.

    Attributes
    ----------
    session_factory
        Makes the sessions of claims, renewals and endings.
    source
        Name of the service in event envelopes and spans.
    worker
        Name of this process on the rows that it holds.
    lease, retry
        Times of leases and pauses.
    interactive_batches
        Jobs of at most so many batches go before longer ones; 0 for strict turns.
    running_jobs_per_key
        Jobs of one API key that run at a time; 0 for no limit.
    observe
        Called with every event that this service committed; it counts them.
    count
        Called with the name of every timeline entry that this service committed.
    """

    session_factory: SessionFactory
    source: str
    worker: str
    lease: LeaseTimes
    retry: RetryPolicy
    observe: Callable[[Event], None]
    interactive_batches: int = 0
    running_jobs_per_key: int = 0
    count: Callable[[str], None] | None = None

    def unit_of_work(self) -> UnitOfWork:
        """Begin a transaction whose events come from this service."""
        return UnitOfWork(self.session_factory, source=self.source, observe=self.observe, count=self.count)


def consume_jobs(use_cases: Mapping[str, JobUseCase], parts: ConsumerParts) -> Handler:
    """Make the handler of a queue of ``job.created`` messages from a table "operation -> use case"."""
    claims = GroupedClaims(
        parts.unit_of_work,
        lease=parts.lease.lease,
        worker=parts.worker,
        running_jobs_per_key=parts.running_jobs_per_key,
    )

    async def handle(message: IncomingMessage) -> Disposition:
        try:
            envelope, event = _read(message)
        except (EventFormatError, MalformedMessageError) as exc:
            return DeadLettered(reason=str(exc), error_code=exc.code, attempts=1)
        if not isinstance(event, JobCreated) or event.operation not in use_cases:
            reason = f"The queue {message.queue} has no use case for {envelope.type} {getattr(event, 'operation', '')}."
            return DeadLettered(reason=reason, error_code="NoUseCase", attempts=1)
        with consumer_span(message, operation=event.operation):
            # A database that is away raises here: the bus puts the message back, after a pause that grows.
            claim = await claims.claim(event.job_id, envelope.id)
            return Acknowledged() if claim is None else await _run_job(use_cases[event.operation], claim, parts)

    return handle


def consume_batches(use_case: BatchUseCase, parts: ConsumerParts) -> Handler:
    """Make the handler of a queue of ``...batch.requested`` messages."""

    async def handle(message: IncomingMessage) -> Disposition:
        try:
            envelope, event = _read(message)
        except (EventFormatError, MalformedMessageError) as exc:
            return DeadLettered(reason=str(exc), error_code=exc.code, attempts=1)
        if not isinstance(event, BatchRequested):
            reason = f"The queue {message.queue} takes batch requests, not {envelope.type}."
            return DeadLettered(reason=reason, error_code="NoUseCase", attempts=1)
        with consumer_span(message, operation=envelope.type):
            return await _run_batch(use_case, event, envelope.id, parts)

    return handle


def _read(message: IncomingMessage) -> tuple[Envelope, Event]:
    envelope = Envelope.from_headers(message.headers)
    return envelope, read_event(envelope.type, decode(message.body))


async def _run_job(use_case: JobUseCase, claim: JobClaim, parts: ConsumerParts) -> Disposition:
    try:
        await run_under_lease(parts.session_factory, claim, lambda: run_traced(use_case, claim), times=parts.lease)
    except LeaseLostError as exc:
        logger.info("work stopped", extra={"job_id": str(claim.job_id), "detail": str(exc)})
    except asyncio.CancelledError:
        async with parts.unit_of_work() as work:
            await hand_back_job(work, claim)
        raise
    except Exception as exc:  # noqa: BLE001 - the one place that decides what an exception means
        return await _settle_job(claim, exc, parts)
    return Acknowledged()


async def _run_batch(
    use_case: BatchUseCase, request: BatchRequested, event_id: UUID, parts: ConsumerParts
) -> Disposition:
    job_id, index = request.job_id, request.batch_index
    async with parts.unit_of_work() as work:
        claim = await claim_batch(
            work,
            job_id,
            index,
            event_id=event_id,
            lease=parts.lease.lease,
            worker=parts.worker,
            interactive_batches=parts.interactive_batches,
        )
    if claim is None:
        return Acknowledged()
    try:
        await run_under_lease(parts.session_factory, claim, lambda: run_traced(use_case, claim), times=parts.lease)
    except LeaseLostError as exc:
        logger.info("work stopped", extra={"job_id": str(job_id), "batch_index": index, "detail": str(exc)})
        async with parts.unit_of_work() as work:
            await abandon_batch(work, claim)
    except asyncio.CancelledError:
        async with parts.unit_of_work() as work:
            await hand_back_batch(work, claim)
        raise
    except Exception as exc:  # noqa: BLE001 - the one place that decides what an exception means
        return await _settle_batch(claim, exc, parts)
    return Acknowledged()


async def _settle_job(claim: JobClaim, exc: Exception, parts: ConsumerParts) -> Disposition:
    again = _may_try_again(exc, claim)
    try:
        async with parts.unit_of_work() as work:
            if again:
                await retry_job(work, claim, policy=parts.retry.of(claim.operation), reason=_message(exc))
            else:
                await guard_job(work, claim)
                await fail_job(work, claim.job_id, error_code=_code(exc), error_message=_message(exc))
    except LeaseLostError:
        return Acknowledged()
    return (
        Acknowledged() if again else DeadLettered(reason=_message(exc), error_code=_code(exc), attempts=claim.attempt)
    )


async def _settle_batch(claim: BatchClaim, exc: Exception, parts: ConsumerParts) -> Disposition:
    again = _may_try_again(exc, claim)
    async with parts.unit_of_work() as work:
        if again:
            await retry_batch(work, claim, policy=parts.retry.of(claim.operation), reason=_message(exc))
        else:
            await fail_batch(work, claim, error_code=_code(exc), error_message=_message(exc))
    return (
        Acknowledged() if again else DeadLettered(reason=_message(exc), error_code=_code(exc), attempts=claim.attempt)
    )


def _may_try_again(exc: Exception, claim: JobClaim | BatchClaim) -> bool:
    where = {"job_id": str(claim.job_id), "operation": claim.operation, "attempt": claim.attempt}
    match exc:
        case PermanentError():
            logger.warning("work failed", extra={**where, "error_code": exc.code, "detail": str(exc)})
            return False
        case TransientError() | OSError() | DBAPIError() | PoolTimeoutError() | InternalClientError():
            logger.warning("work failed for now", extra={**where, "error_code": _code(exc), "detail": str(exc)})
            return claim.attempt < claim.max_attempts
        case _:
            logger.error("work failed by a bug", extra=where, exc_info=exc)
            return claim.attempt < min(_BUG_ATTEMPTS, claim.max_attempts)


def _code(exc: Exception) -> str:
    return exc.code if isinstance(exc, ProteaError) else type(exc).__name__


def _message(exc: Exception) -> str:
    # A driver's message may carry bound values: only our own errors speak to users in full.
    return str(exc) if isinstance(exc, ProteaError) else f"{type(exc).__name__} while the job ran; see the log."
