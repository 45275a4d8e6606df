"""The live stream: events of jobs as they are committed, in one order for every reader and every reconnect."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Final
from uuid import UUID

from protea_common.db import DATABASE_AWAY, UnitOfWork
from protea_common.messaging.bus import BrokerUnavailableError, IncomingMessage, MessageBus
from protea_common.messaging.tracing import consumer_span
from protea_common.orm import ACTIVE_STATUSES, Job, JobEvent
from protea_gateway.adapters.storage.lookup import find
from protea_gateway.adapters.storage.timeline import SeenEvent, TimelineStore
from protea_gateway.domain.commit_order import CommitOrder

__all__ = ["FollowTimeline", "LiveFeed"]

logger = logging.getLogger(__name__)

BROADCASTS: Final = ("job.#", "embeddings.batch.#", "predictions.batch.#")
"""What wakes the live streams; without one of them its events come with the next poll."""

ENDINGS: Final = frozenset({"job.succeeded", "job.failed", "job.cancelled"})
"""Events after which nothing more is told of a job."""

_PAGE: Final = 500
"""Events read at a time; a longer replay goes on with the next page."""

_START_WINDOW: Final = 10_000
"""How far below the newest event a starting process looks for gaps.

An event that is still uncommitted while so many others were written would be missed by those who reconnect to it.
"""


class _Watch:
    """Somebody who waits for events of one job and its steps, or of all."""

    def __init__(self, job_id: UUID | None) -> None:
        self._job_id = job_id
        self.news = asyncio.Event()

    def concerns(self, event: SeenEvent) -> bool:
        return self._job_id in (None, event.job_id, event.parent_job_id)

    async def wait(self, limit: timedelta) -> bool:
        """Wait for news, then forget them; false if there were none."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit.total_seconds()):
                await self.news.wait()
        came = self.news.is_set()
        self.news.clear()
        return came


class LiveFeed:
    """Watches the timeline for a whole process and wakes those whose jobs moved.

    Attributes
    ----------
    is_closed
        Whether it has stopped; its readers end then.
    """

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], bus: MessageBus, poll: timedelta) -> None:
        self._unit_of_work = unit_of_work
        self._bus = bus
        self._poll = poll
        self._order: CommitOrder | None = None
        self._watches: set[_Watch] = set()
        self._woken = asyncio.Event()
        self.is_closed = False

    @property
    def settled(self) -> int | None:
        """Greatest event id that may be shown; ``None`` until the first look."""
        return self._order.settled if self._order is not None else None

    async def run(self) -> None:
        """Follow the timeline until cancelled: at once when a broadcast comes, else at every poll."""
        try:
            while True:
                with _going_on():
                    async with self._hearing():
                        await self._follow()
                with _going_on():
                    await self.look()  # events are committed without a broker too
                await asyncio.sleep(self._poll.total_seconds())
        finally:
            self.is_closed = True
            self._wake_all()

    async def look(self) -> None:
        """Take in what has been committed since the last look."""
        async with self._unit_of_work() as work:
            store = TimelineStore(work.session)
            if self._order is None:
                self._order = CommitOrder(max(0, await store.newest_id() - _START_WINDOW))
            before = self._order.settled
            seen, snapshot = await store.seen_after(before, limit=_PAGE)
        if snapshot is not None:
            self._order.advance([event.id for event in seen], snapshot)
            self._wake([event for event in seen if before < event.id <= self._order.settled])
        if len(seen) == _PAGE and self._order.settled > before:
            self._woken.set()

    @contextmanager
    def watch(self, job_id: UUID | None) -> Iterator[_Watch]:
        """Be woken by events of a job and its steps, or of all jobs."""
        watch = _Watch(job_id)
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    async def _follow(self) -> None:
        while True:
            self._woken.clear()
            await self.look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll.total_seconds()):
                    await self._woken.wait()

    @asynccontextmanager
    async def _hearing(self) -> AsyncIterator[None]:
        async def wake(message: IncomingMessage) -> None:
            with consumer_span(message, operation="wake live streams", is_broadcast=True):
                self._woken.set()

        subscription = await self._bus.subscribe_broadcast(BROADCASTS, wake)
        try:
            yield
        finally:
            await subscription.stop(timedelta(0))

    def _wake(self, events: Sequence[SeenEvent]) -> None:
        for watch in self._watches:
            if any(watch.concerns(event) for event in events):
                watch.news.set()

    def _wake_all(self) -> None:
        for watch in self._watches:
            watch.news.set()


@contextmanager
def _going_on() -> Iterator[None]:
    try:
        yield
    except (*DATABASE_AWAY, BrokerUnavailableError) as exc:
        logger.warning("the live stream waits", extra={"detail": type(exc).__name__})


class FollowTimeline:
    """Reads the timeline of a job with its steps, or of all jobs, and goes on reading as it grows.

    Events come in the order of their ids and each once. The order is the same for every reader (see `CommitOrder`), so
    a reader that comes back with the last id it saw continues where it was.

    Parameters
    ----------
    heartbeat
        Silence after which ``None`` is given, so that a dead connection is noticed.
    """

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], feed: LiveFeed, heartbeat: timedelta) -> None:
        self._unit_of_work = unit_of_work
        self._feed = feed
        self._heartbeat = heartbeat

    async def job(self, job_id: UUID, *, after: int | None) -> AsyncIterator[JobEvent | None] | None:
        """Follow a job to its end, from its beginning or from behind an event.

        Returns
        -------
        events
            ``None`` if the reader has seen the last event already.

        Raises
        ------
        NotFoundError
            If there is no such job.
        """
        async with self._unit_of_work() as work:
            ended = (await find(work.session, Job, job_id)).status not in ACTIVE_STATUSES
            store = TimelineStore(work.session)
            if ended and after is not None and not await store.read(job_id, after=after, up_to=None, limit=1):
                return None
        return self._read_on(job_id, after=after or 0)

    async def everything(self, *, after: int | None) -> AsyncIterator[JobEvent | None]:
        """Follow all jobs without end, from now on or from behind an event."""
        if after is None:
            after = self._feed.settled
        if after is None:
            async with self._unit_of_work() as work:
                after = await TimelineStore(work.session).newest_id()
        return self._read_on(None, after=after)

    async def _read_on(self, job_id: UUID | None, *, after: int) -> AsyncIterator[JobEvent | None]:
        with self._feed.watch(job_id) as watch:
            while not self._feed.is_closed:
                events = await self._page(job_id, after=after)
                for event in events:
                    yield event
                    after = event.id
                    if event.job_id == job_id and event.event in ENDINGS:
                        return
                if len(events) < _PAGE and not await watch.wait(self._heartbeat):
                    yield None

    async def _page(self, job_id: UUID | None, *, after: int) -> Sequence[JobEvent]:
        settled = self._feed.settled
        if settled is None or settled <= after:
            return []
        async with self._unit_of_work() as work:
            return await TimelineStore(work.session).read(job_id, after=after, up_to=settled, limit=_PAGE)
