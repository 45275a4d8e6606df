"""Submission and endings: duplicates, pipelines, cancellation, and each job ending exactly once."""

from __future__ import annotations

from uuid import UUID

import pytest

from protea_common.jobs import (
    DuplicateJobError,
    NewJob,
    cancel_job,
    fail_job,
    finish_job,
    submit_job,
    submit_pipeline,
    succeed_job,
)
from protea_common.operations import Ping, dedup_key
from protea_common.orm import JobStatus
from support.jobs import JobBench

PING = NewJob(operation="ping", payload=Ping.model_validate({"same": "payload"}))


async def pipeline(bench: JobBench) -> tuple[UUID, UUID, UUID]:
    steps = [NewJob(operation="ping", payload=Ping.model_validate({"step": n})) for n in (1, 2)]
    async with bench.unit_of_work() as work:
        pipeline_id = await submit_pipeline(work, PING, steps)
    first, second = await bench.steps(pipeline_id)
    return pipeline_id, first, second


async def succeed(bench: JobBench, job_id: UUID, **result: int) -> None:
    claim = await bench.claim(job_id)
    assert claim is not None
    async with bench.unit_of_work() as work:
        await finish_job(work, claim, result=result)


def test_the_dedup_key_is_the_start_of_a_sha256_over_name_and_canonical_payload() -> None:
    # printf 'ping{"a":1,"b":2}' | sha256sum
    assert dedup_key("ping", {"b": 2, "a": 1}) == "50afdb14561abaf2"


async def test_the_same_job_twice_is_refused_while_the_first_is_active(bench: JobBench) -> None:
    async with bench.unit_of_work() as work:
        first = await submit_job(work, PING)

    with pytest.raises(DuplicateJobError) as caught:
        async with bench.unit_of_work() as work:
            await submit_job(work, PING)

    assert caught.value.existing_job_id == first
    assert caught.value.status == 409


async def test_the_same_job_may_come_again_once_the_first_has_ended(bench: JobBench) -> None:
    async with bench.unit_of_work() as work:
        first = await submit_job(work, PING)
    await succeed(bench, first)

    async with bench.unit_of_work() as work:
        assert await submit_job(work, PING) != first


async def test_a_job_ends_once(bench: JobBench) -> None:
    job_id = await bench.submit()
    await succeed(bench, job_id, answer=42)

    async with bench.unit_of_work() as work:
        assert not await fail_job(work, job_id, error_code="X", error_message="late")
        assert not await succeed_job(work, job_id, result={})
        assert await cancel_job(work, job_id, reason="late") == 0

    job = await bench.job(job_id)
    assert (job.status, job.result, job.error_code) == (JobStatus.SUCCEEDED, {"answer": 42}, None)


async def test_a_pipeline_ends_with_the_result_of_its_last_step(bench: JobBench) -> None:
    pipeline_id, first, second = await pipeline(bench)

    await succeed(bench, first, step=1)
    assert len(await bench.unsent(second, "job.created.ping")) == 1
    assert (await bench.job(pipeline_id)).progress_current == 1
    await succeed(bench, second, step=2)

    ended = await bench.job(pipeline_id)
    assert (ended.status, ended.result, ended.progress_current) == (JobStatus.SUCCEEDED, {"step": 2}, 2)


async def test_a_pipeline_fails_with_the_error_of_its_step_and_cancels_the_rest(bench: JobBench) -> None:
    pipeline_id, first, second = await pipeline(bench)
    async with bench.unit_of_work() as work:
        await fail_job(work, first, error_code="StepError", error_message="no")

    assert (await bench.job(pipeline_id)).error_code == "StepError"
    assert (await bench.job(second)).status is JobStatus.CANCELLED


async def test_cancelling_a_pipeline_cancels_its_steps(bench: JobBench) -> None:
    pipeline_id, first, second = await pipeline(bench)
    await bench.claim(first)

    async with bench.unit_of_work() as work:
        assert await cancel_job(work, pipeline_id, reason="user") == 3

    assert {(await bench.job(j)).status for j in (pipeline_id, first, second)} == {JobStatus.CANCELLED}


async def test_cancelling_a_step_cancels_what_waits_for_it_and_its_pipeline(bench: JobBench) -> None:
    pipeline_id, first, second = await pipeline(bench)

    async with bench.unit_of_work() as work:
        assert await cancel_job(work, first, reason="user") == 3

    assert (await bench.job(pipeline_id)).status is JobStatus.CANCELLED
    assert (await bench.job(second)).status is JobStatus.CANCELLED


async def test_a_rollback_leaves_neither_job_nor_event(bench: JobBench) -> None:
    with pytest.raises(ZeroDivisionError):
        async with bench.unit_of_work() as work:
            job_id = await submit_job(work, PING)
            raise ZeroDivisionError

    assert await bench.unsent(job_id, "job.created.ping") == []
    assert bench.observed == []
