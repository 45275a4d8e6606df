"""Claims in groups: jobs that are offered while a claim is under way share the next transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.jobs.claim import ClaimRequest, JobClaim, claim_jobs
from protea_common.jobs.retry import hand_back_job
from protea_common.telemetry import inject_trace_context

__all__ = ["GroupedClaims"]


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request until it is answered.

    Attributes
    ----------
    is_answered
        Whether ``claim`` or ``error`` says how it ended.
    is_abandoned
        Whether nobody waits any more.
    """

    request: ClaimRequest
    claim: JobClaim | None = None
    error: Exception | None = None
    is_answered: bool = False
    is_abandoned: bool = False


class GroupedClaims:
    """Claims the jobs that a consumer is offered.

    An idle consumer claims a job at once, in a transaction of its own. A busy one claims as many as have come
    meanwhile: the commit, which is most of a claim, is shared.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    lease
        How long a claim holds.
    worker
        Name on the rows.
    running_jobs_per_key
        Jobs of one API key that run at a time; 0 for no limit.
    """

    def __init__(
        self, unit_of_work: Callable[[], UnitOfWork], *, lease: timedelta, worker: str, running_jobs_per_key: int = 0
    ) -> None:
        self._unit_of_work = unit_of_work
        self._lease = lease
        self._worker = worker
        self._limit = running_jobs_per_key
        self._waiting: list[_Waiting] = []
        self._turn = asyncio.Lock()

    async def claim(self, job_id: UUID, event_id: UUID) -> JobClaim | None:
        """Claim a job as `claim_job` does; a claim that comes too late for whoever asked is handed back."""
        traceparent = inject_trace_context({}).get("traceparent")
        waiting = _Waiting(ClaimRequest(job_id, event_id, traceparent))
        self._waiting.append(waiting)
        try:
            async with self._turn:
                if not waiting.is_answered:
                    await self._claim_group()
        except asyncio.CancelledError:
            await self._abandon(waiting)
            raise
        if waiting.error is not None:
            raise waiting.error
        return waiting.claim

    async def _claim_group(self) -> None:
        group, self._waiting = _one_per_job(self._waiting)
        try:
            async with self._unit_of_work() as work:
                requests = [waiting.request for waiting in group]
                claims = await claim_jobs(
                    work, requests, lease=self._lease, worker=self._worker, running_jobs_per_key=self._limit
                )
        except asyncio.CancelledError:
            self._waiting.extend(group)
            raise
        except Exception as exc:  # noqa: BLE001 - whatever went wrong is everybody's answer
            _answer(group, error=exc)
            return
        for waiting in group:
            waiting.claim, waiting.is_answered = claims.get(waiting.request.job_id), True
        for waiting in group:
            if waiting.is_abandoned:
                await self._hand_back(waiting)

    async def _abandon(self, waiting: _Waiting) -> None:
        waiting.is_abandoned = True
        if waiting in self._waiting:
            self._waiting.remove(waiting)
        elif waiting.is_answered:
            await self._hand_back(waiting)

    async def _hand_back(self, waiting: _Waiting) -> None:
        if waiting.claim is not None:
            async with self._unit_of_work() as work:
                await hand_back_job(work, waiting.claim)


def _one_per_job(waiting: Sequence[_Waiting]) -> tuple[list[_Waiting], list[_Waiting]]:
    """Take the first request of each job; a second delivery has to see what became of the first."""
    first: dict[UUID, _Waiting] = {}
    for one in waiting:
        first.setdefault(one.request.job_id, one)
    group = list(first.values())
    return group, [one for one in waiting if one not in group]


def _answer(group: Sequence[_Waiting], *, error: Exception) -> None:
    for waiting in group:
        waiting.error, waiting.is_answered = error, True
