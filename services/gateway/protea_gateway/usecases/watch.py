"""The platform's gauges: looked at again and again, so that a reading of the metrics costs no query."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from protea_common.db import DATABASE_AWAY
from protea_common.telemetry import MetricRegistry
from protea_gateway.usecases.status import PlatformStatus, QueueStatus

__all__ = ["WatchPlatform"]

logger = logging.getLogger(__name__)


class WatchPlatform:
    """Sets the gauges of queues, leases, outbox and dead letters.

    A look that fails leaves them as they were; ``protea_platform_observed_timestamp_seconds`` then stands still.

    Parameters
    ----------
    show_status
        Looks once.
    metrics
        Whose gauges are set.
    interval
        Pause between looks.
    """

    def __init__(
        self, *, show_status: Callable[[], Awaitable[PlatformStatus]], metrics: MetricRegistry, interval: timedelta
    ) -> None:
        self._show_status = show_status
        self._gauges = metrics.platform
        self._interval = interval

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except DATABASE_AWAY as exc:
                logger.warning("the platform could not be looked at", extra={"detail": type(exc).__name__})
            await asyncio.sleep(self._interval.total_seconds())

    async def look(self) -> None:
        """Look once."""
        seen = await self._show_status()
        gauges = self._gauges
        self._set_queues(seen.queues)
        for status, count in seen.jobs.active.items():
            gauges.jobs_active.labels(status=status.value).set(count)
        gauges.leases_held.set(seen.leases.held)
        gauges.leases_expired.set(seen.leases.expired)
        gauges.outbox_unsent.set(seen.outbox.unsent)
        gauges.outbox_oldest_seconds.set(seen.outbox.oldest_seconds or 0)
        gauges.dead_letters_open.set(seen.dead_letters.open)
        gauges.dead_letters_oldest_seconds.set(seen.dead_letters.oldest_seconds or 0)
        gauges.observed_timestamp_seconds.set(seen.observed_at.timestamp())

    def _set_queues(self, queues: Sequence[QueueStatus]) -> None:
        gauges = self._gauges
        # What the broker does not tell has no series: a number from before would be taken for one of now.
        gauges.queue_ready.clear()
        gauges.queue_consumers.clear()
        for queue in queues:
            if queue.ready is not None:
                gauges.queue_ready.labels(queue=queue.name).set(queue.ready)
            if queue.consumers is not None:
                gauges.queue_consumers.labels(queue=queue.name).set(queue.consumers)
            gauges.queue_held.labels(queue=queue.name).set(queue.unacknowledged)
            gauges.queue_oldest_open_seconds.labels(queue=queue.name).set(queue.oldest_open_seconds or 0)
