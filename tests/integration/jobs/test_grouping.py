"""Claims in groups: each job once, its own trace, its own error; nothing stays claimed for somebody who has left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Self
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import OperationalError

from protea_common.db import UnitOfWork
from protea_common.jobs.claim import JobClaim
from protea_common.jobs.grouping import GroupedClaims
from protea_common.orm import JobStatus
from support.jobs import LEASE, JobBench, until


class CountingUnits:
    """Begins transactions and counts them; the first waits at its gate."""

    def __init__(self, bench: JobBench) -> None:
        self.begun = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._bench = bench

    def __call__(self) -> UnitOfWork:
        self.begun += 1
        return GatedUnitOfWork(self._bench, self.gate)


class GatedUnitOfWork(UnitOfWork):
    def __init__(self, bench: JobBench, gate: asyncio.Event) -> None:
        super().__init__(bench.session_factory, source="test")
        self._gate = gate

    async def __aenter__(self) -> Self:
        await self._gate.wait()
        return await super().__aenter__()


def grouped(unit_of_work: Callable[[], UnitOfWork], *, lease: timedelta = LEASE) -> GroupedClaims:
    return GroupedClaims(unit_of_work, lease=lease, worker="worker-1")


async def test_jobs_that_come_during_a_claim_share_the_next_transaction(bench: JobBench) -> None:
    jobs = [await bench.submit() for _ in range(8)]
    units = CountingUnits(bench)
    claims = grouped(units)

    granted = await asyncio.gather(*(claims.claim(job, uuid4()) for job in jobs))

    assert [claim.job_id for claim in granted if claim is not None] == jobs
    assert units.begun == 2
    assert len({claim.token for claim in granted if claim is not None}) == 8


async def test_a_job_offered_twice_at_once_is_claimed_once(bench: JobBench) -> None:
    job_id = await bench.submit()
    claims = grouped(bench.unit_of_work)

    granted = await asyncio.gather(*(claims.claim(job_id, uuid4()) for _ in range(5)))

    assert [claim is None for claim in granted].count(False) == 1
    assert (await bench.job(job_id)).attempt == 1


async def test_a_claim_carries_the_event_that_offered_it(bench: JobBench) -> None:
    offers = {await bench.submit(): uuid4() for _ in range(3)}
    claims = grouped(bench.unit_of_work)

    granted = await asyncio.gather(*(claims.claim(job, event) for job, event in offers.items()))

    assert {claim.job_id: claim.event_id for claim in granted if claim is not None} == offers


async def test_a_database_that_is_away_is_everybodys_error_and_the_next_claim_works(bench: JobBench) -> None:
    jobs = [await bench.submit() for _ in range(3)]

    def away() -> UnitOfWork:
        raise OperationalError("BEGIN", {}, ConnectionRefusedError("away"))

    claims = grouped(away)
    outcomes = await asyncio.gather(*(claims.claim(job, uuid4()) for job in jobs), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [OperationalError] * 3
    assert await grouped(bench.unit_of_work).claim(jobs[0], uuid4()) is not None


@pytest.mark.parametrize("position", [0, 1], ids=["whoever claims", "one of its group"])
async def test_what_is_claimed_for_somebody_who_left_is_handed_back(bench: JobBench, position: int) -> None:
    jobs = [await bench.submit() for _ in range(3)]
    units = CountingUnits(bench)
    claims = grouped(units)
    leading = await _claiming_first(bench, claims, units)
    tasks = [asyncio.create_task(claims.claim(job, uuid4())) for job in jobs]
    await asyncio.sleep(0)
    units.gate.set()
    await leading
    units.gate.clear()
    await until(lambda: units.begun == 2)

    tasks[position].cancel()
    await asyncio.sleep(0)
    units.gate.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(outcomes.pop(position), asyncio.CancelledError)
    assert all(isinstance(outcome, JobClaim) for outcome in outcomes)
    left = await bench.job(jobs[position])
    assert (left.status, left.attempt) == (JobStatus.QUEUED, 0)


async def _claiming_first(
    bench: JobBench, claims: GroupedClaims, units: CountingUnits
) -> asyncio.Task[JobClaim | None]:
    """Hold a first claim at its beginning, so that those that come after it form a group."""
    units.gate.clear()
    first: UUID = await bench.submit()
    leading = asyncio.create_task(claims.claim(first, uuid4()))
    await until(lambda: units.begun == 1)
    return leading
