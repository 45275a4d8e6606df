"""The protocol of jobs as a world to play in: workers with claims, messages that come twice, a broker that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self
from uuid import UUID, uuid4

from sqlalchemy import CursorResult, Result, text
from sqlalchemy.ext.asyncio import create_async_engine

from protea_common.db import session_scope
from protea_common.events import EmbeddingsBatchDone, EmbeddingsBatchRequested, read_event
from protea_common.jobs import (
    BatchClaim,
    JobClaim,
    LeaseLostError,
    NewBatch,
    NewJob,
    Reaper,
    ReaperTimes,
    RetryPolicy,
    cancel_job,
    claim_batch,
    complete_batch,
    dispatch_batches,
    fail_batch,
    fail_job,
    finish_job,
    guard_batch,
    guard_job,
    hand_back_batch,
    hand_back_job,
    retry_batch,
    retry_job,
    submit_job,
    submit_pipeline,
    succeed_job,
)
from protea_common.jobs.claim import ClaimRequest, claim_jobs
from protea_common.messaging.bus import BrokerUnavailableError, OutgoingMessage
from protea_common.messaging.codec import decode
from protea_common.messaging.memory import MemoryBus
from protea_common.messaging.outbox import OutboxRelay
from protea_common.operations import ComputeEmbeddings, Ping
from support.jobs import LEASE, JobBench

__all__ = ["Message", "World"]

RUNNING_JOBS_PER_KEY = 1
"""The model's invariants name this number."""

INTERACTIVE_BATCHES = 1

AT_ONCE = RetryPolicy(base=timedelta(0))

_EFFECTS = "CREATE TABLE IF NOT EXISTS effect (job_id uuid NOT NULL, batch_index int NOT NULL)"


@dataclass(frozen=True, slots=True)
class Message:
    """A request for work as a consumer reads it; ``batch_index`` is ``None`` for a whole job."""

    event_id: UUID
    job_id: UUID
    batch_index: int | None


class _RecordingBus(MemoryBus):
    """Keeps what is published; while it is away, the publisher does not learn what arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[OutgoingMessage] = []
        self.is_away = False

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        self.published += messages
        if self.is_away:
            raise BrokerUnavailableError("the confirmation did not come")


class World:
    """One database, and everything a machine of the protocol can do to it.

    Attributes
    ----------
    jobs
        All jobs, pipelines and their steps, in order of submission.
    messages
        Every request for work that reached the broker; any may be delivered again at any time.
    """

    def __init__(self, database_url: str) -> None:
        self._runner = asyncio.Runner()
        self._engine = create_async_engine(database_url)
        self._bench = JobBench(self._engine)
        self._bus = _RecordingBus()
        self.jobs: list[UUID] = []
        self.messages: list[Message] = []
        self._run(self._statement(_EFFECTS))

    def close(self) -> None:
        """Let go of the database."""
        self._run(self._engine.dispose())
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, coroutine: Any) -> Any:
        return self._runner.run(coroutine)

    async def _statement(self, statement: str, **values: object) -> list[Any]:
        async with session_scope(self._bench.session_factory) as session:
            result: Result[Any] = await session.execute(text(statement), values)
            return list(result.all()) if isinstance(result, CursorResult) and result.returns_rows else []

    def rows(self, statement: str) -> list[Any]:
        """Run a statement in which ``:jobs`` stands for the jobs of this world."""
        return list(self._run(self._statement(statement, jobs=self.jobs)))

    def found(self, statements: Mapping[str, str]) -> dict[str, list[Any]]:
        """Run statements that look for what must not be; give what they found, by name."""
        found: dict[str, list[Any]] = self._run(self._found(statements))
        return found

    async def _found(self, statements: Mapping[str, str]) -> dict[str, list[Any]]:
        async with session_scope(self._bench.session_factory) as session:
            results = {
                what: list((await session.execute(text(statement), {"jobs": self.jobs})).all())
                for what, statement in statements.items()
            }
        return {what: rows for what, rows in results.items() if rows}

    # Clients

    def submit(self, *, key: str | None = None) -> UUID:
        """Ask for a job, with an API key or without one."""
        job_id: UUID = self._run(self._submit(key))
        self.jobs.append(job_id)
        return job_id

    async def _submit(self, key: str | None) -> UUID:
        async with self._bench.unit_of_work() as work:
            return await submit_job(work, _embed(key))

    def submit_pipeline(self) -> UUID:
        """Ask for two jobs of which the second waits for the first."""
        pipeline_id: UUID = self._run(self._submit_pipeline())
        steps: list[UUID] = self._run(self._bench.steps(pipeline_id))
        self.jobs += [pipeline_id, *steps]
        return pipeline_id

    async def _submit_pipeline(self) -> UUID:
        pipeline = NewJob("ping", Ping.model_validate({"n": str(uuid4())}))
        async with self._bench.unit_of_work() as work:
            return await submit_pipeline(work, pipeline, [_embed(), _embed()])

    def cancel(self, job_id: UUID) -> None:
        """Cancel a job."""
        self._run(self._cancel(job_id))

    async def _cancel(self, job_id: UUID) -> None:
        async with self._bench.unit_of_work() as work:
            await cancel_job(work, job_id, reason="test")

    # Relay, broker and reaper

    def relay(self, *, confirmed: bool = True) -> None:
        """Send what is due; unconfirmed, it arrives and the outbox does not know."""
        self._bus.is_away = not confirmed
        self._run(self._relay())
        self._read_published()

    async def _relay(self) -> None:
        relay = OutboxRelay(self._engine, self._bus, doorbell=asyncio.Event())
        try:
            while await relay.send_due():
                pass
        except BrokerUnavailableError:
            assert self._bus.is_away

    def _read_published(self) -> None:
        published, self._bus.published = self._bus.published, []
        for message in published:
            body = decode(message.body)
            is_batch = message.routing_key.startswith("embeddings.batch.requested")
            if is_batch or message.routing_key.startswith("job.created"):
                index = int(body["batch_index"]) if is_batch else None
                self.messages.append(Message(UUID(message.message_id), UUID(body["job_id"]), index))

    def sweep(self) -> None:
        """Let the reaper look once."""
        self._run(self._reaper().sweep())

    def _reaper(self) -> Reaper:
        return Reaper(
            self._bench.unit_of_work,
            times=ReaperTimes(),
            forgetful_bus=False,
            running_jobs_per_key=RUNNING_JOBS_PER_KEY,
        )

    def expire(self, claim: JobClaim | BatchClaim) -> None:
        """Let a lease run out, as if its worker had been silent."""
        table, key = ("job", claim.job_id) if isinstance(claim, JobClaim) else ("job_batch", claim.batch_id)
        statement = f"UPDATE {table} SET leased_until = now() - interval '1 s' WHERE id = :key AND lease_token = :token"  # noqa: S608 - names of ours
        self._run(self._statement(f"{statement} AND leased_until IS NOT NULL", key=key, token=claim.token))

    def abandon_everything(self) -> None:
        """Let every lease of this world run out."""
        past = "SET leased_until = now() - interval '1 s' WHERE leased_until IS NOT NULL"
        self.rows(f"UPDATE job {past} AND id = ANY(:jobs)")
        self.rows(f"UPDATE job_batch {past} AND job_id = ANY(:jobs)")

    # Workers

    def deliver(self, message: Message) -> JobClaim | BatchClaim | None:
        """Bring a message to a worker; give what it claimed."""
        claim: JobClaim | BatchClaim | None = self._run(self._deliver(message))
        return claim

    async def _deliver(self, message: Message) -> JobClaim | BatchClaim | None:
        async with self._bench.unit_of_work() as work:
            if message.batch_index is None:
                request = ClaimRequest(message.job_id, message.event_id)
                claims = await claim_jobs(
                    work, [request], lease=LEASE, worker="worker-1", running_jobs_per_key=RUNNING_JOBS_PER_KEY
                )
                return claims.get(message.job_id)
            return await claim_batch(
                work,
                message.job_id,
                message.batch_index,
                event_id=message.event_id,
                lease=LEASE,
                worker="worker-1",
                interactive_batches=INTERACTIVE_BATCHES,
            )

    def dispatch(self, claim: JobClaim, *, batches: int) -> None:
        """Cut a job into batches, or end it at once when there are none."""
        self._run(_unless_lost(self._dispatch(claim, batches)))

    async def _dispatch(self, claim: JobClaim, batches: int) -> None:
        async with self._bench.unit_of_work() as work:
            if batches:
                await dispatch_batches(work, claim, [_batch(claim, index) for index in range(batches)])
            else:
                await finish_job(work, claim, result={})

    def complete(self, *claims: BatchClaim) -> None:
        """Let workers finish batches, all at the same time."""
        self._run(self._complete_all(claims))

    async def _complete_all(self, claims: Sequence[BatchClaim]) -> None:
        await asyncio.gather(*(_unless_lost(self._complete(claim)) for claim in claims))

    async def _complete(self, claim: BatchClaim) -> None:
        async with self._bench.unit_of_work() as work:
            await guard_batch(work, claim)
            effect = text("INSERT INTO effect VALUES (:job_id, :batch_index)")
            await work.session.execute(effect, {"job_id": claim.job_id, "batch_index": claim.batch_index})
            if await complete_batch(work, claim, _done(claim), counts={}) == 0:
                await succeed_job(work, claim.job_id, result={})

    def try_again(self, claim: JobClaim | BatchClaim) -> None:
        """Let work fail for now."""
        self._run(self._try_again(claim))

    async def _try_again(self, claim: JobClaim | BatchClaim) -> None:
        async with self._bench.unit_of_work() as work:
            if isinstance(claim, JobClaim):
                await retry_job(work, claim, policy=AT_ONCE, reason="test")
            else:
                await retry_batch(work, claim, policy=AT_ONCE, reason="test")

    def hand_back(self, claim: JobClaim | BatchClaim) -> None:
        """Let a worker stop."""
        self._run(self._hand_back(claim))

    async def _hand_back(self, claim: JobClaim | BatchClaim) -> None:
        async with self._bench.unit_of_work() as work:
            if isinstance(claim, JobClaim):
                await hand_back_job(work, claim)
            else:
                await hand_back_batch(work, claim)

    def fail(self, claim: JobClaim | BatchClaim) -> None:
        """Let work fail for good."""
        self._run(_unless_lost(self._fail(claim)))

    async def _fail(self, claim: JobClaim | BatchClaim) -> None:
        error = {"error_code": "Test", "error_message": "test"}
        async with self._bench.unit_of_work() as work:
            if isinstance(claim, JobClaim):
                await guard_job(work, claim)
                await fail_job(work, claim.job_id, **error)
            else:
                await fail_batch(work, claim, **error)


async def _unless_lost(work: Any) -> None:
    """Do what a worker does that learns it has lost its lease: nothing."""
    try:
        await work
    except LeaseLostError:
        return


def _embed(key: str | None = None) -> NewJob:
    payload = ComputeEmbeddings(embedding_config_id=uuid4())
    return NewJob("compute_embeddings", payload, max_attempts=100, api_key_prefix=key)


def _batch(claim: JobClaim, index: int) -> NewBatch:
    config_id = UUID(claim.payload["embedding_config_id"])
    request = EmbeddingsBatchRequested(
        job_id=claim.job_id, batch_index=index, embedding_config_id=config_id, sequences=1, residues=10
    )
    return NewBatch(request, {"sequence_ids": [1]})


def _done(claim: BatchClaim) -> EmbeddingsBatchDone:
    fields = {
        "job_id": claim.job_id,
        "batch_index": claim.batch_index,
        "seconds": 0.1,
        "embedding_config_id": claim.job_payload["embedding_config_id"],
        "sequences": 1,
        "residues": 10,
    }
    event = read_event("embeddings.batch.done", fields)
    assert isinstance(event, EmbeddingsBatchDone)
    return event
