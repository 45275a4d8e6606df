"""Batches: progress is a count of what is done, and two that finish at once end their job once."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from protea_common.events import EmbeddingsBatchDone, JobFailed, JobSucceeded
from protea_common.jobs import (
    BatchClaim,
    LeaseLostError,
    abandon_batch,
    cancel_job,
    complete_batch,
    fail_batch,
    guard_batch,
    succeed_job,
)
from protea_common.orm import BatchStatus, JobStatus
from support.jobs import JobBench


def done(claim: BatchClaim) -> EmbeddingsBatchDone:
    return EmbeddingsBatchDone(
        job_id=claim.job_id,
        batch_index=claim.batch_index,
        embedding_config_id=UUID(int=1),
        sequences=1,
        residues=10,
        seconds=0.1,
    )


async def finish(bench: JobBench, claim: BatchClaim) -> int:
    async with bench.unit_of_work() as work:
        await guard_batch(work, claim)
        remaining = await complete_batch(work, claim, done(claim), counts={"sequences": 1})
        if remaining == 0:
            await succeed_job(work, claim.job_id, result={})
    return remaining


async def test_progress_counts_the_batches_that_are_done(bench: JobBench) -> None:
    job_id = await bench.dispatched(batches=3)
    claim = await bench.claim_batch(job_id, 1)
    assert claim is not None

    assert await finish(bench, claim) == 2

    job = await bench.job(job_id)
    assert (job.progress_current, job.progress_total, job.status) == (1, 3, JobStatus.RUNNING)


async def test_a_second_delivery_of_a_finished_batch_finds_nothing_to_do(bench: JobBench) -> None:
    job_id = await bench.dispatched(batches=2)
    claim = await bench.claim_batch(job_id, 0)
    assert claim is not None
    await finish(bench, claim)

    assert await bench.claim_batch(job_id, 0) is None
    with pytest.raises(LeaseLostError):
        await finish(bench, claim)
    assert (await bench.job(job_id)).progress_current == 1


async def test_two_batches_that_finish_at_once_end_their_job_once(bench: JobBench) -> None:
    for _ in range(5):
        job_id = await bench.dispatched(batches=2)
        claims = [await bench.claim_batch(job_id, index) for index in range(2)]

        remaining = await asyncio.gather(*(finish(bench, claim) for claim in claims if claim))

        assert sorted(remaining) == [0, 1]
        assert (await bench.job(job_id)).status is JobStatus.SUCCEEDED
        assert len([e for e in bench.observed if isinstance(e, JobSucceeded) and e.job_id == job_id]) == 1


async def test_a_failed_batch_fails_its_job_and_cancels_the_others(bench: JobBench) -> None:
    job_id = await bench.dispatched(batches=3)
    claim = await bench.claim_batch(job_id, 0)
    assert claim is not None

    async with bench.unit_of_work() as work:
        await fail_batch(work, claim, error_code="BadThingError", error_message="it broke")

    job = await bench.job(job_id)
    assert (job.status, job.error_code, job.error_message) == (JobStatus.FAILED, "BadThingError", "it broke")
    assert (await bench.batch(job_id, 0)).status is BatchStatus.FAILED
    assert (await bench.batch(job_id, 2)).status is BatchStatus.CANCELLED
    assert [e.error_code for e in bench.observed if isinstance(e, JobFailed)] == ["BadThingError"]


async def test_a_worker_closes_its_batch_when_the_job_was_cancelled_meanwhile(bench: JobBench) -> None:
    job_id = await bench.dispatched(batches=1)
    claim = await bench.claim_batch(job_id, 0)
    assert claim is not None
    async with bench.unit_of_work() as holding:
        await guard_batch(holding, claim)
        async with bench.unit_of_work() as work:
            await cancel_job(work, job_id, reason="test")
    assert (await bench.batch(job_id, 0)).status is BatchStatus.RUNNING

    async with bench.unit_of_work() as work:
        await abandon_batch(work, claim)

    assert (await bench.batch(job_id, 0)).status is BatchStatus.CANCELLED


async def test_a_batch_written_after_the_cancel_is_refused(bench: JobBench) -> None:
    job_id = await bench.dispatched(batches=1)
    claim = await bench.claim_batch(job_id, 0)
    assert claim is not None

    with pytest.raises(LeaseLostError):
        async with bench.unit_of_work() as work:
            await guard_batch(work, claim)
            async with bench.unit_of_work() as other:
                await cancel_job(other, job_id, reason="test")
            await complete_batch(work, claim, done(claim), counts={})

    assert (await bench.job(job_id)).status is JobStatus.CANCELLED
