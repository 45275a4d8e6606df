"""How the platform is at this moment, on one page for operators."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import metadata
from typing import Final

from protea_common.db import UnitOfWork
from protea_common.messaging.bus import BrokerUnavailableError, MessageBus, QueueState, UnknownQueueError
from protea_common.messaging.topology import Topology
from protea_common.orm import JobStatus
from protea_gateway.adapters.storage.status import (
    DatabaseVersions,
    DeadLetterCount,
    Holding,
    OutboxLag,
    RecentError,
    StatusStore,
)

__all__ = ["JobCounts", "LeaseSummary", "PlatformStatus", "QueueStatus", "ShowStatus", "Versions", "WorkerStatus"]

ENDED_WITHIN: Final = timedelta(days=1)
"""Ended jobs are counted for so long after their submission: a platform keeps millions, too many for a page."""

MOST_ERRORS: Final = 10

BROKER_PATIENCE: Final = timedelta(seconds=2)
"""A broker that is away must not keep operators from seeing the rest."""

SERVICES: Final = {
    "ping": "protea-ingest",
    "ingest": "protea-ingest",
    "embeddings": "protea-embedder",
    "predictions": "protea-predictor",
    "training": "protea-predictor",
    "evaluations": "protea-evaluator",
    "dead-letter": "protea-gateway",
}
"""Who reads a queue, by the second word of its name."""


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """One queue.

    Attributes
    ----------
    ready, consumers
        As the broker counts them; ``None`` while it does not answer.
    unacknowledged
        Messages that workers hold, taken from the leases in the database.
    oldest_open_seconds
        Age of the oldest unfinished job or batch that came or comes through it; ``None`` if there is none.
    """

    name: str
    service: str | None
    ready: int | None
    unacknowledged: int
    consumers: int | None
    oldest_open_seconds: float | None


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """What one process holds of one queue.

    Attributes
    ----------
    holds, expired
        Jobs or batches under its lease, and those of them whose lease has ended.
    since
        When the oldest of them was first taken.
    heartbeat_at
        When it last renewed a lease, from the lease's end and length.
    lease_until
        When the first of its leases ends.
    """

    worker: str
    service: str | None
    queue: str
    holds: int
    expired: int
    since: datetime
    heartbeat_at: datetime
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class LeaseSummary:
    """All leases together."""

    held: int
    expired: int
    next_expiry: datetime | None


@dataclass(frozen=True, slots=True)
class JobCounts:
    """Active jobs, and those submitted within the last day that have ended."""

    active: Mapping[JobStatus, int]
    ended_last_day: Mapping[JobStatus, int]


@dataclass(frozen=True, slots=True)
class Versions:
    """What runs."""

    protea: str
    python: str
    postgresql: str
    schema: str | None


@dataclass(frozen=True, slots=True)
class PlatformStatus:
    """The page.

    Attributes
    ----------
    observed_at
        By the database's clock, as all times on the page.
    broker_error
        Why nothing is known of the broker; ``None`` if it answered.
    """

    observed_at: datetime
    versions: Versions
    broker_error: str | None
    queues: Sequence[QueueStatus]
    workers: Sequence[WorkerStatus]
    leases: LeaseSummary
    jobs: JobCounts
    outbox: OutboxLag
    dead_letters: DeadLetterCount
    errors: Sequence[RecentError]


class ShowStatus:
    """Reads the page: the database in one short transaction, the broker beside it.

    Parameters
    ----------
    lease
        How long a lease is when it is renewed.
    topology
        Whose queues are shown.
    """

    def __init__(
        self, *, unit_of_work: Callable[[], UnitOfWork], bus: MessageBus, lease: timedelta, topology: Topology
    ) -> None:
        self._names = [queue.name for queue in topology.queues]
        self._unit_of_work = unit_of_work
        self._bus = bus
        self._lease = lease

    async def __call__(self) -> PlatformStatus:
        """Look once."""
        states, broker_error = await _ask_broker(self._bus, self._names)
        async with self._unit_of_work() as work:
            store = StatusStore(work.session)
            holdings = await store.holdings()
            jobs = await store.jobs(ended_within=ENDED_WITHIN)
            return PlatformStatus(
                observed_at=await store.now(),
                versions=_versions(await store.versions()),
                broker_error=broker_error,
                queues=_queues(states, holdings, await store.oldest_open_seconds()),
                workers=[self._worker(holding) for holding in holdings],
                leases=_leases(holdings),
                jobs=_job_counts(jobs),
                outbox=await store.outbox(),
                dead_letters=await store.dead_letters(),
                errors=await store.errors(limit=MOST_ERRORS),
            )

    def _worker(self, holding: Holding) -> WorkerStatus:
        return WorkerStatus(
            worker=holding.worker,
            service=_service(holding.queue),
            queue=holding.queue,
            holds=holding.units,
            expired=holding.expired,
            since=holding.since,
            heartbeat_at=holding.last_expiry - self._lease,
            lease_until=holding.first_expiry,
        )


async def _ask_broker(bus: MessageBus, names: Sequence[str]) -> tuple[Mapping[str, QueueState | None], str | None]:
    """Ask for every queue at once; without an answer, say why and give the names alone."""
    try:
        async with asyncio.timeout(BROKER_PATIENCE.total_seconds()):
            states = await asyncio.gather(*(_state(bus, name) for name in names))
    except BrokerUnavailableError as exc:
        return dict.fromkeys(names), str(exc)
    except TimeoutError:
        return dict.fromkeys(names), f"The broker did not answer within {BROKER_PATIENCE.total_seconds():g} s."
    return dict(zip(names, states, strict=True)), None


async def _state(bus: MessageBus, queue: str) -> QueueState | None:
    try:
        return await bus.queue_state(queue)
    except UnknownQueueError:
        return None


def _queues(
    states: Mapping[str, QueueState | None], holdings: Sequence[Holding], ages: Mapping[str, float]
) -> list[QueueStatus]:
    return [
        QueueStatus(
            name=name,
            service=_service(name),
            ready=None if state is None else state.ready,
            unacknowledged=sum(holding.units for holding in holdings if holding.queue == name),
            consumers=None if state is None else state.consumers,
            oldest_open_seconds=ages.get(name),
        )
        for name, state in states.items()
    ]


def _service(queue: str) -> str | None:
    return SERVICES.get(queue.split(".")[1]) if queue.count(".") else None


def _leases(holdings: Sequence[Holding]) -> LeaseSummary:
    return LeaseSummary(
        held=sum(holding.units for holding in holdings),
        expired=sum(holding.expired for holding in holdings),
        next_expiry=min((holding.first_expiry for holding in holdings), default=None),
    )


def _job_counts(counts: Mapping[JobStatus, int]) -> JobCounts:
    active = (JobStatus.QUEUED, JobStatus.RUNNING)
    return JobCounts(
        active={status: counts[status] for status in active},
        ended_last_day={status: count for status, count in counts.items() if status not in active},
    )


def _versions(database: DatabaseVersions) -> Versions:
    return Versions(
        protea=metadata.version("protea"),
        python=platform.python_version(),
        postgresql=database.postgresql,
        schema=database.schema,
    )
