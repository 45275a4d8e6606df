"""The parts that every service stands on, opened in order and closed in reverse."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from protea_common.db import SessionFactory, UnitOfWork, build_engine, build_session_factory, wait_for_database
from protea_common.events import Event
from protea_common.jobs import ConsumerParts, LeaseTimes, Reaper, ReaperTimes, RetryPolicy
from protea_common.jobs.metrics import count_entry, count_event
from protea_common.messaging.bus import MessageBus
from protea_common.messaging.outbox import OutboxRelay
from protea_common.messaging.topology import protea_topology
from protea_common.operations import operation_queues
from protea_common.settings import Settings
from protea_common.storage import ArtifactStore, get_artifact_store, wait_for_artifacts
from protea_common.telemetry import MetricRegistry, build_metric_registry

__all__ = ["BuildArtifactStore", "Platform", "open_platform"]

BuildArtifactStore = Callable[[Settings], ArtifactStore]
"""Makes the artifact store of a process."""


@dataclass(frozen=True, slots=True)
class Platform:
    """What a process has one of.

    Attributes
    ----------
    settings
        Resolved settings.
    engine, session_factory
        The database.
    bus
        The message bus, connected, its topology declared.
    artifacts
        Where large files are.
    metrics
        What ``/metrics`` shows.
    worker
        Name of this process on the rows that it holds: host and process id.
    doorbell
        Wakes this process's relay when an event was committed.
    """

    settings: Settings
    engine: AsyncEngine
    session_factory: SessionFactory
    bus: MessageBus
    artifacts: ArtifactStore
    metrics: MetricRegistry
    worker: str
    doorbell: asyncio.Event = field(default_factory=asyncio.Event)

    def unit_of_work(self, *, source: str) -> UnitOfWork:
        """Begin a transaction whose events come from ``source``."""
        return UnitOfWork(
            self.session_factory,
            source=source,
            observe=self._observe,
            count=partial(count_entry, self.metrics),
        )

    def consumer_parts(self, *, source: str) -> ConsumerParts:
        """Give a service's consumers what they need."""
        worker = self.settings.worker
        return ConsumerParts(
            session_factory=self.session_factory,
            source=source,
            worker=self.worker,
            lease=LeaseTimes(lease=worker.lease, heartbeat=worker.heartbeat),
            retry=RetryPolicy(base=worker.retry_base, maximum=worker.retry_maximum),
            observe=self._observe,
            interactive_batches=worker.interactive_batches,
            running_jobs_per_key=worker.running_jobs_per_key,
            count=partial(count_entry, self.metrics),
        )

    def relay(self) -> OutboxRelay:
        """Make this process's outbox relay."""
        return OutboxRelay(self.engine, self.bus, doorbell=self.doorbell)

    def reaper(self, *, forgetful_bus: bool) -> Reaper:
        """Make this process's reaper."""
        worker = self.settings.worker
        times = ReaperTimes(interval=worker.reaper_interval, stalled_after=worker.stalled_after)
        return Reaper(
            partial(self.unit_of_work, source="protea-reaper"),
            times=times,
            forgetful_bus=forgetful_bus,
            running_jobs_per_key=worker.running_jobs_per_key,
        )

    def _observe(self, event: Event) -> None:
        self.doorbell.set()
        count_event(self.metrics, event)


@asynccontextmanager
async def open_platform(
    settings: Settings, bus: MessageBus, *, artifact_store: BuildArtifactStore = get_artifact_store
) -> AsyncIterator[Platform]:
    """Wait for the database, the artifact store and the broker, open everything, and close it when the block ends.

    Raises
    ------
    MissingSettingError, StorageBackendUnsupportedError
        If the artifact store lacks a setting or its library.
    DatabaseUnavailableError, ArtifactStoreUnavailable, BrokerUnavailableError
        If one does not answer within ``settings.startup.dependency_wait``.
    """
    artifacts = artifact_store(settings)
    engine = build_engine(settings)
    try:
        await wait_for_database(engine, limit=settings.startup.dependency_wait)
        async with aclosing(artifacts), aclosing(bus):
            await wait_for_artifacts(artifacts, limit=settings.startup.dependency_wait)
            await bus.connect()
            topology = protea_topology(operation_queues(), embedding_pools=settings.embedding_pools)
            await bus.declare(topology)
            yield Platform(
                settings=settings,
                engine=engine,
                session_factory=build_session_factory(engine),
                bus=bus,
                artifacts=artifacts,
                metrics=build_metric_registry(),
                worker=f"{socket.gethostname()}:{os.getpid()}",
            )
    finally:
        await engine.dispose()
