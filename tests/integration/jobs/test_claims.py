"""Claims: one worker at a time, and no write by a worker that lost its lease."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from protea_common.jobs import LeaseLostError, NewJob, cancel_job, finish_job, guard_batch, guard_job, submit_pipeline
from protea_common.operations import Ping
from protea_common.orm import BatchStatus, JobStatus
from support.jobs import JobBench

EXPIRED = timedelta(seconds=-1)


async def test_a_job_is_claimed_once_however_often_it_is_delivered(bench: JobBench) -> None:
    job_id = await bench.submit()

    claims = await asyncio.gather(*(bench.claim(job_id) for _ in range(8)))

    assert [claim is None for claim in claims].count(False) == 1
    assert (await bench.job(job_id)).status is JobStatus.RUNNING


async def test_a_claim_counts_the_attempt_and_raises_the_token(bench: JobBench) -> None:
    first, second = await bench.claim(await bench.submit()), await bench.claim(await bench.submit())

    assert first is not None
    assert second is not None
    assert (first.attempt, second.attempt) == (1, 1)
    assert second.token > first.token


async def test_a_cancelled_job_cannot_be_claimed(bench: JobBench) -> None:
    job_id = await bench.submit()
    async with bench.unit_of_work() as work:
        assert await cancel_job(work, job_id, reason="test") == 1

    assert await bench.claim(job_id) is None


async def test_a_step_can_be_claimed_once_the_step_before_it_has_succeeded(bench: JobBench) -> None:
    steps = [NewJob(operation="ping", payload=Ping.model_validate({"step": n})) for n in (1, 2)]
    async with bench.unit_of_work() as work:
        pipeline_id = await submit_pipeline(work, NewJob(operation="ping", payload=Ping()), steps)
    first, second = await bench.steps(pipeline_id)

    assert await bench.claim(second) is None
    claim = await bench.claim(first)
    assert claim is not None
    async with bench.unit_of_work() as work:
        await finish_job(work, claim, result={})

    assert await bench.claim(second) is not None


async def test_a_guard_refuses_a_job_that_was_cancelled(bench: JobBench) -> None:
    job_id = await bench.submit()
    claim = await bench.claim(job_id)
    assert claim is not None
    async with bench.unit_of_work() as work:
        await cancel_job(work, job_id, reason="test")

    with pytest.raises(LeaseLostError):
        async with bench.unit_of_work() as work:
            await guard_job(work, claim)


async def test_a_guard_refuses_a_batch_whose_job_was_cancelled(bench: JobBench) -> None:
    job_id = await bench.dispatched(batches=1)
    claim = await bench.claim_batch(job_id, 0)
    assert claim is not None
    async with bench.unit_of_work() as work:
        await cancel_job(work, job_id, reason="test")

    with pytest.raises(LeaseLostError):
        async with bench.unit_of_work() as work:
            await guard_batch(work, claim)


async def test_a_batch_of_a_cancelled_job_is_not_handed_out(bench: JobBench) -> None:
    job_id = await bench.dispatched(batches=2)
    async with bench.unit_of_work() as work:
        await cancel_job(work, job_id, reason="test")

    assert await bench.claim_batch(job_id, 0) is None
    assert (await bench.batch(job_id, 1)).status is BatchStatus.CANCELLED
