"""A small platform for tests of the job library: one database, units of work, and jobs to play with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from protea_common.db import SessionFactory, UnitOfWork, build_session_factory, session_scope
from protea_common.events import EmbeddingsBatchRequested, Envelope, Event
from protea_common.jobs import (
    BatchClaim,
    ConsumerParts,
    JobClaim,
    LeaseTimes,
    NewBatch,
    NewJob,
    RetryPolicy,
    claim_batch,
    claim_job,
    dispatch_batches,
    submit_job,
)
from protea_common.messaging.bus import IncomingMessage
from protea_common.messaging.codec import encode
from protea_common.operations import ComputeEmbeddings, Ping
from protea_common.orm import Job, JobBatch, OutboxEvent

__all__ = ["JobBench"]

LEASE = timedelta(seconds=20)


class JobBench:
    """Submit, claim and look at jobs with few words.

    Attributes
    ----------
    observed
        Every event that was committed through this bench, in order.
    doorbell
        Set at each of them.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.session_factory: SessionFactory = build_session_factory(engine)
        self.observed: list[Event] = []
        self.doorbell = asyncio.Event()

    def unit_of_work(self) -> UnitOfWork:
        return UnitOfWork(self.session_factory, source="test", observe=self._observe)

    def parts(self, *, heartbeat: timedelta = timedelta(milliseconds=50)) -> ConsumerParts:
        return ConsumerParts(
            session_factory=self.session_factory,
            source="test",
            worker="worker-1",
            lease=LeaseTimes(lease=LEASE, heartbeat=heartbeat),
            retry=RetryPolicy(base=timedelta(0)),
            observe=self._observe,
        )

    def _observe(self, event: Event) -> None:
        self.observed.append(event)
        self.doorbell.set()

    async def submit(self, *, max_attempts: int = 5, **payload: str) -> UUID:
        new = NewJob(
            operation="ping", payload=Ping.model_validate({"n": str(uuid4()), **payload}), max_attempts=max_attempts
        )
        async with self.unit_of_work() as work:
            return await submit_job(work, new)

    async def claim(self, job_id: UUID, *, lease: timedelta = LEASE) -> JobClaim | None:
        async with self.unit_of_work() as work:
            return await claim_job(work, job_id, event_id=uuid4(), lease=lease, worker="worker-1")

    async def dispatched(self, batches: int) -> UUID:
        """Submit a job and cut it into batches; give its id."""
        payload = ComputeEmbeddings(embedding_config_id=uuid4())
        async with self.unit_of_work() as work:
            job_id = await submit_job(work, NewJob(operation="compute_embeddings", payload=payload))
        claim = await self.claim(job_id)
        assert claim is not None
        requests = [
            EmbeddingsBatchRequested(
                job_id=job_id,
                batch_index=index,
                embedding_config_id=payload.embedding_config_id,
                sequences=1,
                residues=10,
            )
            for index in range(batches)
        ]
        async with self.unit_of_work() as work:
            await dispatch_batches(work, claim, [NewBatch(request, {"sequence_ids": [1]}) for request in requests])
        return job_id

    async def claim_batch(self, job_id: UUID, index: int, *, lease: timedelta = LEASE) -> BatchClaim | None:
        async with self.unit_of_work() as work:
            return await claim_batch(work, job_id, index, event_id=uuid4(), lease=lease, worker="worker-1")

    async def job(self, job_id: UUID) -> Job:
        async with session_scope(self.session_factory) as session:
            return (await session.scalars(select(Job).where(Job.id == job_id))).one()

    async def steps(self, pipeline_id: UUID) -> list[UUID]:
        """Steps of a pipeline, those that wait for nothing first."""
        async with session_scope(self.session_factory) as session:
            statement = select(Job.id).where(Job.parent_job_id == pipeline_id)
            return list(await session.scalars(statement.order_by(Job.waits_for_job_id.is_not(None))))

    async def batch(self, job_id: UUID, index: int) -> JobBatch:
        async with session_scope(self.session_factory) as session:
            statement = select(JobBatch).where(JobBatch.job_id == job_id, JobBatch.batch_index == index)
            return (await session.scalars(statement)).one()

    async def unsent(self, job_id: UUID, routing_key: str) -> list[OutboxEvent]:
        async with session_scope(self.session_factory) as session:
            statement = select(OutboxEvent).where(
                OutboxEvent.subject == job_id, OutboxEvent.routing_key == routing_key, OutboxEvent.sent_at.is_(None)
            )
            return list(await session.scalars(statement))

    def message(self, event: Event, *, queue: str = "protea.ping") -> IncomingMessage:
        envelope = Envelope.seal(event, source="test")
        return IncomingMessage(
            message_id=str(envelope.id),
            routing_key=event.routing_key,
            body=encode(event.model_dump(mode="json")),
            headers=envelope.to_headers(),
            queue=queue,
            redelivered=False,
            delivery_count=0,
        )


async def until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Wait for a condition of this event loop."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
