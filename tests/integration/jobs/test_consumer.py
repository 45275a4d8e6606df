"""The consumer: what a use case raises decides what becomes of the job and its message."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from protea_common.errors import PermanentError, TransientError
from protea_common.events import JobCreated
from protea_common.jobs import JobClaim, cancel_job, consume_jobs, finish_job
from protea_common.messaging.bus import Acknowledged, DeadLettered, Handler
from protea_common.orm import JobStatus
from support.jobs import JobBench, until


class SpoiltInputError(PermanentError):
    """The input is spoilt."""


class AwayError(TransientError):
    """Something is away."""


def handler(bench: JobBench, use_case: Callable[[JobClaim], Awaitable[None]]) -> Handler:
    return consume_jobs({"ping": use_case}, bench.parts())


async def deliver(bench: JobBench, handle: Handler, job_id: object) -> object:
    return await handle(bench.message(JobCreated.model_validate({"job_id": job_id, "operation": "ping"})))


async def test_a_use_case_that_finishes_its_job_is_acknowledged(bench: JobBench) -> None:
    async def use_case(claim: JobClaim) -> None:
        async with bench.unit_of_work() as work:
            await finish_job(work, claim, result={"ok": True})

    job_id = await bench.submit()

    assert await deliver(bench, handler(bench, use_case), job_id) == Acknowledged()
    assert (await bench.job(job_id)).result == {"ok": True}


async def test_a_second_delivery_does_not_run_the_use_case_again(bench: JobBench) -> None:
    runs: list[int] = []

    async def use_case(claim: JobClaim) -> None:
        runs.append(claim.attempt)
        async with bench.unit_of_work() as work:
            await finish_job(work, claim, result={})

    job_id = await bench.submit()
    handle = handler(bench, use_case)
    for _ in range(3):
        assert await deliver(bench, handle, job_id) == Acknowledged()

    assert runs == [1]


async def test_a_permanent_error_fails_the_job_and_dead_letters_the_message(bench: JobBench) -> None:
    async def use_case(claim: JobClaim) -> None:
        raise SpoiltInputError("line 3 is spoilt")

    job_id = await bench.submit()
    outcome = await deliver(bench, handler(bench, use_case), job_id)

    assert outcome == DeadLettered(reason="line 3 is spoilt", error_code="SpoiltInputError", attempts=1)
    assert (await bench.job(job_id)).error_message == "line 3 is spoilt"


async def test_a_transient_error_queues_the_job_again_until_the_last_attempt(bench: JobBench) -> None:
    async def use_case(claim: JobClaim) -> None:
        raise AwayError("come back later")

    job_id = await bench.submit(max_attempts=2)
    handle = handler(bench, use_case)

    assert await deliver(bench, handle, job_id) == Acknowledged()
    assert (await bench.job(job_id)).status is JobStatus.QUEUED
    assert len(await bench.unsent(job_id, "job.created.ping")) == 2
    assert isinstance(await deliver(bench, handle, job_id), DeadLettered)
    assert (await bench.job(job_id)).status is JobStatus.FAILED


async def test_a_bug_is_tried_three_times_and_its_text_is_not_shown_to_users(bench: JobBench) -> None:
    async def use_case(claim: JobClaim) -> None:
        raise KeyError("MKVLAAGIVGLLAQPSWTEQ")

    job_id = await bench.submit()
    handle = handler(bench, use_case)
    outcomes = [await deliver(bench, handle, job_id) for _ in range(3)]

    assert [type(outcome) for outcome in outcomes] == [Acknowledged, Acknowledged, DeadLettered]
    message = (await bench.job(job_id)).error_message
    assert message is not None
    assert "MKVLAAG" not in message


async def test_shutdown_hands_the_job_back_without_counting_the_try(bench: JobBench) -> None:
    running = asyncio.Event()

    async def use_case(claim: JobClaim) -> None:
        running.set()
        await asyncio.Event().wait()

    job_id = await bench.submit()
    task = asyncio.ensure_future(deliver(bench, handler(bench, use_case), job_id))
    await running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    job = await bench.job(job_id)
    assert (job.status, job.attempt) == (JobStatus.QUEUED, 0)


async def test_cancelling_a_running_job_stops_its_use_case(bench: JobBench) -> None:
    running, stopped = asyncio.Event(), asyncio.Event()

    async def use_case(claim: JobClaim) -> None:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    job_id = await bench.submit()
    task = asyncio.ensure_future(deliver(bench, handler(bench, use_case), job_id))
    await running.wait()
    async with bench.unit_of_work() as work:
        await cancel_job(work, job_id, reason="user")

    assert await task == Acknowledged()
    assert stopped.is_set()
    assert (await bench.job(job_id)).status is JobStatus.CANCELLED


async def test_a_lease_is_renewed_while_the_use_case_runs(bench: JobBench) -> None:
    release = asyncio.Event()

    async def use_case(claim: JobClaim) -> None:
        await release.wait()

    job_id = await bench.submit()
    task = asyncio.ensure_future(deliver(bench, handler(bench, use_case), job_id))
    await until(lambda: bool(bench.observed) and bench.observed[-1].type == "job.started")
    first = (await bench.job(job_id)).leased_until
    assert first is not None
    async with asyncio.timeout(10):
        while ((await bench.job(job_id)).leased_until or first) <= first:
            await asyncio.sleep(0.02)
    release.set()
    assert await task == Acknowledged()


async def test_a_message_that_is_no_event_is_dead_lettered(bench: JobBench) -> None:
    async def use_case(claim: JobClaim) -> None:
        raise AssertionError("must not run")

    message = bench.message(JobCreated.model_validate({"job_id": await bench.submit(), "operation": "ping"}))
    broken = type(message)(
        message_id="1",
        routing_key="x",
        body=b"{}",
        headers={},
        queue="protea.ping",
        redelivered=False,
        delivery_count=0,
    )

    outcome = await handler(bench, use_case)(broken)

    assert isinstance(outcome, DeadLettered)
    assert outcome.error_code == "EventFormatError"
