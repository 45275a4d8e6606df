"""How far a long load has come, told now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.jobs import report_progress

__all__ = ["ReadingProgress"]

_PAUSE_SECONDS = 1.0
"""Least time between two reports: each is a transaction, a timeline entry and an event."""


class ReadingProgress:
    """Reports the bytes of a file that were read, in transactions of its own beside the load's."""

    def __init__(self, unit_of_work: Callable[[], UnitOfWork], job_id: UUID, *, total_bytes: int) -> None:
        self._unit_of_work = unit_of_work
        self._job_id = job_id
        self._total_bytes = total_bytes
        self._told_at = time.monotonic()

    async def tell(self, bytes_read: int) -> None:
        """Report, unless that was done a moment ago."""
        if time.monotonic() - self._told_at < _PAUSE_SECONDS:
            return
        async with self._unit_of_work() as work:
            await report_progress(work, self._job_id, current=bytes_read, total=self._total_bytes)
        self._told_at = time.monotonic()
