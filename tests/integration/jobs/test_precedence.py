"""Between batches, a worker takes the short jobs first."""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy import select, update

from protea_common.db import session_scope
from protea_common.jobs import BatchClaim, RetryPolicy, claim_batch, retry_batch
from protea_common.orm import BatchStatus, Job, OutboxEvent
from support.jobs import LEASE, JobBench

SHORT = 2
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
REQUESTED = "embeddings.batch.requested"


async def claim(bench: JobBench, job_id: UUID, index: int = 0) -> BatchClaim | None:
    async with bench.unit_of_work() as work:
        return await claim_batch(
            work, job_id, index, event_id=uuid4(), lease=LEASE, worker="worker-1", interactive_batches=SHORT
        )


async def times_asked_for(bench: JobBench, job_id: UUID, index: int) -> int:
    async with session_scope(bench.session_factory) as session:
        statement = select(OutboxEvent.body).where(OutboxEvent.subject == job_id, OutboxEvent.routing_key == REQUESTED)
        return [body["batch_index"] for body in await session.scalars(statement)].count(index)


async def test_a_batch_of_a_long_job_gives_way_and_is_asked_for_again(bench: JobBench) -> None:
    long, short = await bench.dispatched(batches=SHORT + 1), await bench.dispatched(batches=SHORT)

    taken = await claim(bench, long)

    assert taken is not None
    assert (taken.job_id, taken.batch_index) == (short, 0)
    assert (await bench.batch(long, 0)).status is BatchStatus.PENDING
    assert [await times_asked_for(bench, long, 0), await times_asked_for(bench, short, 0)] == [2, 1]


async def test_the_message_of_the_batch_that_went_first_brings_nothing_more(bench: JobBench) -> None:
    long, short = await bench.dispatched(batches=SHORT + 1), await bench.dispatched(batches=1)
    await claim(bench, long)

    assert await claim(bench, short) is None
    again = await claim(bench, long)
    assert again is not None
    assert again.job_id == long


async def test_short_jobs_take_turns_and_long_jobs_do_not_give_way_to_long_ones(bench: JobBench) -> None:
    longs = [await bench.dispatched(batches=SHORT + 1) for _ in range(2)]
    claims = [await claim(bench, longs[1])]
    shorts = [await bench.dispatched(batches=1) for _ in range(2)]
    claims.append(await claim(bench, shorts[1]))

    assert [claim.job_id for claim in claims if claim is not None] == [longs[1], shorts[1]]


async def test_a_second_delivery_of_a_batch_that_runs_takes_nothing(bench: JobBench) -> None:
    long = await bench.dispatched(batches=SHORT + 1)
    await claim(bench, long)
    short = await bench.dispatched(batches=1)

    assert await claim(bench, long) is None
    assert (await bench.batch(short, 0)).status is BatchStatus.PENDING


async def test_nobody_gives_way_to_a_batch_that_pauses_after_a_failure(bench: JobBench) -> None:
    long, short = await bench.dispatched(batches=SHORT + 1), await bench.dispatched(batches=1)
    failed = await claim(bench, short)
    assert failed is not None
    async with bench.unit_of_work() as work:
        await retry_batch(work, failed, policy=RetryPolicy(), reason="test")

    taken = await claim(bench, long)

    assert taken is not None
    assert taken.job_id == long


async def test_what_runs_out_of_turn_stays_in_the_trace_of_its_own_job(bench: JobBench) -> None:
    long, short = await bench.dispatched(batches=SHORT + 1), await bench.dispatched(batches=1)
    async with session_scope(bench.session_factory) as session:
        await session.execute(update(Job).where(Job.id == short).values(traceparent=TRACE))

    taken = await claim(bench, long)

    assert taken is not None
    assert taken.traceparent == TRACE
