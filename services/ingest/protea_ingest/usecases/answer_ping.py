"""Showing that a job goes through: accepted, delivered, run and finished."""

from __future__ import annotations

from collections.abc import Callable

from protea_common.db import UnitOfWork
from protea_common.jobs import JobClaim, finish_job, record

__all__ = ["AnswerPing"]


class AnswerPing:
    """Use case of ``ping``."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork]) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, claim: JobClaim) -> None:
        """Echo the names of the payload's fields, and finish."""
        async with self._unit_of_work() as work:
            await finish_job(work, claim, result={"ok": True})
            await record(work, claim.job_id, "ping.done", fields={"payload_keys": sorted(claim.payload)})
