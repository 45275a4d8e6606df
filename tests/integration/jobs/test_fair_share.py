"""The limit of running jobs per API key: what is over it waits, and is released when one ends."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest

from protea_common.db import UnitOfWork
from protea_common.jobs import JobClaim, NewJob, Reaper, ReaperTimes, cancel_job, finish_job, submit_job
from protea_common.jobs.claim import ClaimRequest, claim_jobs
from protea_common.operations import Ping
from protea_common.orm import JobStatus
from support.jobs import LEASE, JobBench

LIMIT = 2
ANNA, BENNO = "anna", "benno"


async def submit(bench: JobBench, key: str | None) -> UUID:
    payload = Ping.model_validate({"n": str(uuid4())})
    async with bench.unit_of_work() as work:
        return await submit_job(work, NewJob("ping", payload, api_key_prefix=key))


async def claim(bench: JobBench, *job_ids: UUID, limit: int = LIMIT) -> dict[UUID, JobClaim]:
    requests = [ClaimRequest(job_id, uuid4()) for job_id in job_ids]
    async with bench.unit_of_work() as work:
        return await claim_jobs(work, requests, lease=LEASE, worker="worker-1", running_jobs_per_key=limit)


async def finish(bench: JobBench, held: JobClaim) -> None:
    async with bench.unit_of_work() as work:
        await finish_job(work, held, result={})


async def sweep(bench: JobBench, *, limit: int = LIMIT) -> None:
    unit_of_work = partial(UnitOfWork, bench.session_factory, source="test")
    times = ReaperTimes(stalled_after=timedelta(minutes=10))
    await Reaper(unit_of_work, times=times, forgetful_bus=False, running_jobs_per_key=limit).sweep()


async def announcements(bench: JobBench, job_id: UUID) -> int:
    return len(await bench.unsent(job_id, "job.created.ping"))


async def test_a_key_runs_as_many_jobs_as_it_may_and_the_oldest_first(bench: JobBench) -> None:
    jobs = [await submit(bench, ANNA) for _ in range(4)]

    claims = await claim(bench, *reversed(jobs))

    assert set(claims) == set(jobs[:LIMIT])
    third = await bench.job(jobs[2])
    assert (third.status, third.held_at is not None, third.attempt) == (JobStatus.QUEUED, True, 0)


async def test_jobs_of_another_key_and_of_nobody_are_not_held_up(bench: JobBench) -> None:
    hers = [await submit(bench, ANNA) for _ in range(3)]
    others = [await submit(bench, BENNO), *[await submit(bench, None) for _ in range(3)]]

    claims = await claim(bench, *hers, *others)

    assert set(claims) == {*hers[:LIMIT], *others}


async def test_the_end_of_a_job_releases_the_one_of_its_key_that_was_held_longest(bench: JobBench) -> None:
    hers = [await submit(bench, ANNA) for _ in range(4)]
    claims = await claim(bench, *hers[:3])
    await claim(bench, hers[3])
    his = [await submit(bench, BENNO) for _ in range(3)]
    await claim(bench, *his)

    await finish(bench, claims[hers[0]])

    assert [await announcements(bench, job) for job in hers] == [1, 1, 2, 1]
    assert [await announcements(bench, job) for job in his] == [1, 1, 1]
    assert set(await claim(bench, hers[2])) == {hers[2]}


async def test_a_released_job_whose_message_comes_twice_still_counts_once(bench: JobBench) -> None:
    jobs = [await submit(bench, ANNA) for _ in range(4)]
    claims = await claim(bench, *jobs)
    await finish(bench, claims[jobs[0]])

    assert set(await claim(bench, jobs[2])) == {jobs[2]}
    assert await claim(bench, jobs[2], jobs[3]) == {}


async def test_claims_at_the_same_time_do_not_exceed_the_limit(bench: JobBench) -> None:
    jobs = [await submit(bench, ANNA) for _ in range(8)]

    granted = await asyncio.gather(*(claim(bench, job) for job in jobs))

    assert sum(len(claims) for claims in granted) == LIMIT


@pytest.mark.parametrize("limit", [LIMIT + 1, 0])
async def test_the_reaper_releases_what_was_held_when_there_is_room(bench: JobBench, limit: int) -> None:
    jobs = [await submit(bench, ANNA) for _ in range(LIMIT + 2)]
    await claim(bench, *jobs)

    await sweep(bench)
    assert [await announcements(bench, job) for job in jobs] == [1, 1, 1, 1]
    await sweep(bench, limit=limit)

    assert [await announcements(bench, job) for job in jobs] == [1, 1, 2, 1 if limit else 2]


async def test_a_held_job_can_be_cancelled(bench: JobBench) -> None:
    jobs = [await submit(bench, ANNA) for _ in range(LIMIT + 1)]
    await claim(bench, *jobs)

    async with bench.unit_of_work() as work:
        await cancel_job(work, jobs[-1], reason="test")

    job = await bench.job(jobs[-1])
    assert (job.status, job.held_at) == (JobStatus.CANCELLED, None)
