"""The reaper: what nobody holds any more is handed out again, a limited number of times."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from sqlalchemy import func, select, update

from protea_common.db import UnitOfWork, session_scope
from protea_common.jobs import NewJob, Reaper, ReaperTimes, cancel_job, guard_batch, submit_pipeline
from protea_common.operations import Ping
from protea_common.orm import BatchStatus, JobStatus, OutboxEvent
from support.jobs import JobBench

EXPIRED = timedelta(seconds=-1)


def reaper(bench: JobBench, *, forgetful_bus: bool = False, stalled_after: timedelta = timedelta(minutes=10)) -> Reaper:
    unit_of_work = partial(UnitOfWork, bench.session_factory, source="test", observe=bench.observed.append)
    return Reaper(unit_of_work, times=ReaperTimes(stalled_after=stalled_after), forgetful_bus=forgetful_bus)


async def mark_all_sent(bench: JobBench, *, ago: timedelta) -> None:

    async with session_scope(bench.session_factory) as session:
        await session.execute(update(OutboxEvent).values(sent_at=func.now() - ago))


async def test_a_job_whose_lease_expired_is_queued_and_announced_again(bench: JobBench) -> None:
    job_id = await bench.submit()
    await bench.claim(job_id, lease=EXPIRED)

    assert await reaper(bench).sweep()

    assert (await bench.job(job_id)).status is JobStatus.QUEUED
    assert len(await bench.unsent(job_id, "job.created.ping")) == 2


async def test_a_job_whose_lease_holds_is_left_alone(bench: JobBench) -> None:
    job_id = await bench.submit()
    await bench.claim(job_id)

    await reaper(bench).sweep()

    assert (await bench.job(job_id)).status is JobStatus.RUNNING


async def test_a_job_that_lost_its_worker_too_often_fails(bench: JobBench) -> None:
    job_id = await bench.submit(max_attempts=1)
    await bench.claim(job_id, lease=EXPIRED)

    await reaper(bench).sweep()

    job = await bench.job(job_id)
    assert (job.status, job.error_code) == (JobStatus.FAILED, "LeaseExpired")


async def test_a_dispatched_job_holds_no_lease_and_is_left_alone(bench: JobBench) -> None:
    job_id = await bench.dispatched(batches=1)

    await reaper(bench).sweep()

    assert (await bench.job(job_id)).status is JobStatus.RUNNING


async def test_a_batch_whose_lease_expired_is_asked_for_again(bench: JobBench) -> None:
    job_id = await bench.dispatched(batches=1)
    await bench.claim_batch(job_id, 0, lease=EXPIRED)

    await reaper(bench).sweep()

    assert (await bench.batch(job_id, 0)).status is BatchStatus.PENDING
    assert len(await bench.unsent(job_id, "embeddings.batch.requested")) == 2


async def test_a_batch_that_lost_its_worker_too_often_fails_its_job(bench: JobBench) -> None:
    job_id = await bench.dispatched(batches=1)
    for _ in range(5):
        await bench.claim_batch(job_id, 0, lease=EXPIRED)
        await reaper(bench).sweep()

    batch = await bench.batch(job_id, 0)
    assert (await bench.job(job_id)).error_code == "LeaseExpired"
    assert (batch.status, batch.error_code) == (BatchStatus.FAILED, "LeaseExpired")
    assert batch.finished_at is not None


async def test_an_expired_batch_of_a_job_that_has_ended_is_closed_and_not_asked_for(bench: JobBench) -> None:
    job_id = await bench.dispatched(batches=1)
    claim = await bench.claim_batch(job_id, 0, lease=EXPIRED)
    assert claim is not None
    async with bench.unit_of_work() as holding:
        await guard_batch(holding, claim)
        async with bench.unit_of_work() as work:
            await cancel_job(work, job_id, reason="test")

    await reaper(bench).sweep()

    batch = await bench.batch(job_id, 0)
    assert batch.status is BatchStatus.CANCELLED
    assert batch.finished_at is not None
    assert len(await bench.unsent(job_id, "embeddings.batch.requested")) == 1


async def test_a_queued_job_that_was_announced_long_ago_is_announced_again(bench: JobBench) -> None:
    job_id = await bench.submit()
    await mark_all_sent(bench, ago=timedelta(hours=1))

    await reaper(bench).sweep()
    await reaper(bench).sweep()

    assert len(await bench.unsent(job_id, "job.created.ping")) == 1


async def test_a_recently_announced_job_is_not_announced_again(bench: JobBench) -> None:
    job_id = await bench.submit()
    await mark_all_sent(bench, ago=timedelta(minutes=1))

    await reaper(bench).sweep()

    assert await bench.unsent(job_id, "job.created.ping") == []


async def test_what_a_forgetful_bus_was_given_before_the_start_is_sent_again_at_once(bench: JobBench) -> None:
    job_id = await bench.submit()
    batched = await bench.dispatched(batches=2)
    await mark_all_sent(bench, ago=timedelta(seconds=1))

    await reaper(bench, forgetful_bus=True).sweep()

    assert len(await bench.unsent(job_id, "job.created.ping")) == 1
    assert len(await bench.unsent(batched, "embeddings.batch.requested")) == 2


async def test_a_step_that_still_waits_is_not_announced(bench: JobBench) -> None:
    steps = [NewJob(operation="ping", payload=Ping.model_validate({"step": n})) for n in (1, 2)]
    async with bench.unit_of_work() as work:
        pipeline_id = await submit_pipeline(work, NewJob(operation="ping", payload=Ping()), steps)
    _, second = await bench.steps(pipeline_id)
    await mark_all_sent(bench, ago=timedelta(hours=1))

    await reaper(bench).sweep()

    assert await bench.unsent(second, "job.created.ping") == []


async def test_events_that_were_sent_long_ago_are_forgotten_and_unsent_ones_kept(bench: JobBench) -> None:
    await bench.submit()
    await mark_all_sent(bench, ago=timedelta(days=8))
    kept = await bench.submit()

    await reaper(bench).sweep()

    async with session_scope(bench.session_factory) as session:
        subjects = (await session.scalars(select(OutboxEvent.subject).where(OutboxEvent.sent_at.is_(None)))).all()
        sent = (await session.scalars(select(OutboxEvent.id).where(OutboxEvent.sent_at.is_not(None)))).all()
    assert kept in subjects
    assert sent == []
