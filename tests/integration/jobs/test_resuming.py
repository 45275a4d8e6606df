"""A long job whose workers die goes on with the batches that are open; what was done stays done."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from protea_common.db import UnitOfWork, session_scope
from protea_common.events import EmbeddingsBatchDone
from protea_common.jobs import (
    BatchClaim,
    JobClaim,
    LeaseLostError,
    Reaper,
    ReaperTimes,
    RetryPolicy,
    complete_batch,
    guard_batch,
    guard_job,
    hand_back_job,
    retry_job,
    succeed_job,
)
from protea_common.operations import get_operation
from protea_common.orm import BatchStatus, Job, JobBatch, JobStatus, OutboxEvent
from support.jobs import JobBench

EXPIRED = timedelta(seconds=-1)


async def complete(bench: JobBench, claim: BatchClaim) -> int:
    config_id = UUID(claim.job_payload["embedding_config_id"])
    done = EmbeddingsBatchDone(
        job_id=claim.job_id,
        batch_index=claim.batch_index,
        seconds=0.1,
        embedding_config_id=config_id,
        sequences=1,
        residues=10,
    )
    async with bench.unit_of_work() as work:
        await guard_batch(work, claim)
        left = await complete_batch(work, claim, done, counts={})
        if left == 0:
            await succeed_job(work, claim.job_id, result={})
    return left


async def claimed(bench: JobBench, job_id: UUID, index: int, **lease: timedelta) -> BatchClaim:
    claim = await bench.claim_batch(job_id, index, **lease)
    assert claim is not None
    return claim


async def sweep(bench: JobBench) -> None:
    unit_of_work = partial(UnitOfWork, bench.session_factory, source="test")
    await Reaper(unit_of_work, times=ReaperTimes(), forgetful_bus=False).sweep()


async def requests(bench: JobBench, job_id: UUID) -> list[int]:
    rows = await bench.unsent(job_id, "embeddings.batch.requested")
    return sorted(row.body["batch_index"] for row in rows)


async def test_after_a_crash_only_open_batches_are_asked_for_again(bench: JobBench) -> None:
    job_id = await bench.dispatched(batches=4)
    for index in (0, 2):
        await complete(bench, await claimed(bench, job_id, index))
    lost = await claimed(bench, job_id, 1, lease=EXPIRED)
    async with session_scope(bench.session_factory) as session:
        await session.execute(update(OutboxEvent).values(sent_at=func.now()))

    await sweep(bench)

    assert await requests(bench, job_id) == [1]
    with pytest.raises(LeaseLostError):
        await complete(bench, lost)
    assert [await complete(bench, await claimed(bench, job_id, index)) for index in (1, 3)] == [1, 0]
    job = await bench.job(job_id)
    assert (job.status, job.progress_current, job.attempt) == (JobStatus.SUCCEEDED, 4, 1)


async def test_after_everything_was_lost_the_job_ends_without_doing_a_batch_twice(bench: JobBench) -> None:
    job_id = await bench.dispatched(batches=3)
    await complete(bench, await claimed(bench, job_id, 0))
    for index in (1, 2):
        await claimed(bench, job_id, index, lease=EXPIRED)

    await sweep(bench)
    for index in (1, 2):
        await complete(bench, await claimed(bench, job_id, index))

    async with session_scope(bench.session_factory) as session:
        statement = select(JobBatch.attempt).where(JobBatch.job_id == job_id, JobBatch.status == BatchStatus.DONE)
        assert list(await session.scalars(statement.order_by(JobBatch.batch_index))) == [1, 2, 2]


async def dispatched_claim(bench: JobBench) -> JobClaim:
    """Give the claim of a coordinator that dispatched its job and does not know: the commit's answer was lost."""
    job_id = await bench.dispatched(batches=2)
    async with session_scope(bench.session_factory) as session:
        job = (await session.scalars(select(Job).where(Job.id == job_id))).one()
    assert job.lease_token is not None
    return JobClaim(job_id, job.operation, job.payload, job.attempt, job.max_attempts, job.lease_token, job_id)


async def test_a_coordinator_that_does_not_know_that_it_dispatched_cannot_begin_again(bench: JobBench) -> None:
    claim = await dispatched_claim(bench)

    async with bench.unit_of_work() as work:
        await retry_job(work, claim, policy=RetryPolicy(), reason="the connection was lost")
        await hand_back_job(work, claim)

    assert (await bench.job(claim.job_id)).status is JobStatus.RUNNING


async def test_a_coordinator_that_does_not_know_that_it_dispatched_cannot_fail_the_job(bench: JobBench) -> None:
    claim = await dispatched_claim(bench)

    with pytest.raises(LeaseLostError):
        async with bench.unit_of_work() as work:
            await guard_job(work, claim)


def test_long_work_that_fails_late_rests_longer() -> None:
    policy = RetryPolicy(base=timedelta(seconds=1), jitter=0.0)

    pauses = [policy.of(operation).delay(1) for operation in ("ping", "load_proteins")]

    assert pauses == [timedelta(seconds=1), timedelta(seconds=10)]


async def test_a_job_is_tried_as_often_as_its_operation_says(bench: JobBench) -> None:
    job_id = await bench.dispatched(batches=1)

    assert (await bench.job(job_id)).max_attempts == get_operation("compute_embeddings").max_attempts
