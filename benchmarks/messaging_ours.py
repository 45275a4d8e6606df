"""Our side of the messaging benchmark: the outbox, the relay and the consumer loop as the services run them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID, uuid4

from servers import SOURCE
from sqlalchemy import func, insert, select

from protea_common.db import session_scope
from protea_common.events import Envelope, JobCreated
from protea_common.jobs import JobClaim, JobUseCase, NewJob, consume_jobs, finish_job, submit_job
from protea_common.messaging.bus import Acknowledged, IncomingMessage
from protea_common.messaging.codec import encode
from protea_common.messaging.topology import WorkQueue
from protea_common.operations import Ping
from protea_common.orm import Job, JobStatus, OutboxEvent
from protea_common.runtime import Platform

__all__ = ["ROUTING_KEY", "OurSide", "WrongOutcomeError", "sample_message"]

ROUTING_KEY: Final = "job.created.ping"


class WrongOutcomeError(Exception):
    """Not every job was done exactly once."""


def sample_message() -> tuple[bytes, Mapping[str, str]]:
    """Give body and headers of an event, so that both sides send the same."""
    event = JobCreated(job_id=uuid4(), operation="ping")
    return encode(event.model_dump(mode="json")), Envelope.seal(event, source=SOURCE).to_headers()


class OurSide:
    """Sends through the outbox and consumes by the job protocol.

    Parameters
    ----------
    platform
        Database and broker.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def relay_all(self, count: int) -> float:
        """Commit so many outbox rows; give the seconds in which the relay sends them and hears the confirmations."""
        await self._commit_events(count)
        relay = self._platform.relay()
        started = time.perf_counter()
        while await relay.send_due():
            pass
        seconds = time.perf_counter() - started
        await self._require_all_sent()
        return seconds

    async def latencies(self, count: int) -> list[float]:
        """Commit one event after the other; give for each the seconds from the commit to the consumer's callback."""
        seconds: list[float] = []
        arrived = asyncio.Event()

        async def handler(_: IncomingMessage) -> Acknowledged:
            seconds.append(time.perf_counter() - committed)
            arrived.set()
            return Acknowledged()

        subscription = await self._platform.bus.subscribe(WorkQueue.PING, handler, prefetch=1)
        async with _running_relay(self._platform):
            for _ in range(count):
                arrived.clear()
                async with self._platform.unit_of_work(source=SOURCE) as work:
                    work.publish(JobCreated(job_id=uuid4(), operation="ping"))
                committed = time.perf_counter()
                await arrived.wait()
        await subscription.stop(self._platform.settings.worker.shutdown_grace)
        return seconds

    async def dispatch(self, count: int, *, prefetch: int) -> float:
        """Queue so many jobs; give the seconds until each is claimed and in the hands of its use case."""
        return await self._consume_jobs(count, _hold, status=JobStatus.RUNNING, prefetch=prefetch)

    async def complete(self, count: int, *, prefetch: int) -> float:
        """Queue so many jobs; give the seconds until each is claimed, run and finished."""
        return await self._consume_jobs(count, self._finish, status=JobStatus.SUCCEEDED, prefetch=prefetch)

    async def _consume_jobs(self, count: int, use_case: JobUseCase, *, status: JobStatus, prefetch: int) -> float:
        jobs = await self._submit(count)
        await self.relay_due()
        finished = asyncio.Event()
        handled = 0

        async def counted(claim: JobClaim) -> None:
            nonlocal handled
            await use_case(claim)
            handled += 1
            if handled == count:
                finished.set()

        handler = consume_jobs({"ping": counted}, self._platform.consumer_parts(source=SOURCE))
        started = time.perf_counter()
        subscription = await self._platform.bus.subscribe(WorkQueue.PING, handler, prefetch=prefetch)
        await finished.wait()
        seconds = time.perf_counter() - started
        await subscription.stop(self._platform.settings.worker.shutdown_grace)
        await self._require(jobs, status)
        return seconds

    async def _finish(self, claim: JobClaim) -> None:
        async with self._platform.unit_of_work(source=SOURCE) as work:
            await finish_job(work, claim, result={"ok": True})

    async def relay_due(self) -> None:
        """Send what waits in the outbox."""
        relay = self._platform.relay()
        while await relay.send_due():
            pass

    async def _commit_events(self, count: int) -> None:
        events = (JobCreated(job_id=uuid4(), operation="ping") for _ in range(count))
        rows = []
        for event in events:
            envelope = Envelope.seal(event, source=SOURCE)
            rows.append(
                {
                    "id": envelope.id,
                    "routing_key": ROUTING_KEY,
                    "source": SOURCE,
                    "subject": event.job_id,
                    "body": event.model_dump(mode="json"),
                    "headers": dict(envelope.to_headers()),
                }
            )
        async with session_scope(self._platform.session_factory) as session:
            await session.execute(insert(OutboxEvent), rows)

    async def _submit(self, count: int) -> list[UUID]:
        async with self._platform.unit_of_work(source=SOURCE) as work:
            return [
                await submit_job(work, NewJob(operation="ping", payload=Ping.model_validate({"n": str(uuid4())})))
                for _ in range(count)
            ]

    async def _require_all_sent(self) -> None:
        async with session_scope(self._platform.session_factory) as session:
            unsent = await session.scalar(select(func.count()).where(OutboxEvent.sent_at.is_(None)))
        if unsent:
            raise WrongOutcomeError(f"{unsent} outbox rows were not sent.")

    async def _require(self, jobs: list[UUID], status: JobStatus) -> None:
        as_wanted = select(func.count()).where(Job.id.in_(jobs), Job.status == status, Job.attempt == 1)
        async with session_scope(self._platform.session_factory) as session:
            count = await session.scalar(as_wanted)
        if count != len(jobs):
            raise WrongOutcomeError(f"{count} of {len(jobs)} jobs are {status} at the first attempt.")


async def _hold(_: JobClaim) -> None:
    """Take a job and leave it RUNNING, as a coordinator does whose batches are under way."""


@asynccontextmanager
async def _running_relay(platform: Platform) -> AsyncIterator[None]:
    task = asyncio.create_task(platform.relay().run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
