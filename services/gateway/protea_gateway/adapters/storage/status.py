"""The platform at one moment, as its rows show it: a few statements, each on an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Double,
    Select,
    cast,
    extract,
    func,
    literal,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from protea_common.operations import OPERATIONS
from protea_common.orm import (
    ACTIVE_STATUSES,
    BatchStatus,
    DeadLetter,
    Job,
    JobBatch,
    JobEvent,
    JobStatus,
    OutboxEvent,
)

__all__ = ["DatabaseVersions", "DeadLetterCount", "Holding", "OutboxLag", "RecentError", "StatusStore"]

ERROR_EVENTS: Final = (
    "job.failed",
    "job.retry_later",
    "child.retry_later",
    "job.lease_expired_requeue",
    "child.lease_expired_requeue",
)
"""Timeline entries that an operator takes for errors; another one is only seen on its job's own page."""

PIPELINES: Final = tuple(operation.name for operation in OPERATIONS.values() if operation.queue is None)
"""Operations whose failures are those of their steps, told once."""

OPEN_BATCHES: Final = (BatchStatus.PENDING, BatchStatus.RUNNING)

MOST_HOLDINGS: Final = 500
"""Lines of workers; whoever has more reads the metrics."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What one worker holds of one queue.

    Attributes
    ----------
    units
        Jobs or batches under lease.
    expired
        Those of them whose lease has ended.
    since
        When the oldest of them was first taken.
    first_expiry, last_expiry
        Ends of the leases that end first and last.
    """

    worker: str
    queue: str
    units: int
    expired: int
    since: datetime
    first_expiry: datetime
    last_expiry: datetime


@dataclass(frozen=True, slots=True)
class OutboxLag:
    """Events that the relay has not sent.

    Attributes
    ----------
    unsent
        Those that are due.
    delayed
        Those that wait for their time: retries.
    oldest_seconds
        How long the oldest one has been due; ``None`` without any.
    """

    unsent: int
    delayed: int
    oldest_seconds: float | None


@dataclass(frozen=True, slots=True)
class DeadLetterCount:
    """Letters that nobody has looked after yet."""

    open: int
    oldest_seconds: float | None


@dataclass(frozen=True, slots=True)
class RecentError:
    """One failure of the timeline."""

    ts: datetime
    event: str
    job_id: UUID
    operation: str
    error_code: str | None
    message: str | None
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class DatabaseVersions:
    """Of the server, and of the schema by its last migration."""

    postgresql: str
    schema: str | None


class StatusStore:
    """Reads how the platform is."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def now(self) -> datetime:
        """Read the database's clock, by which leases are kept."""
        return (await self._session.execute(select(func.now()))).scalar_one()

    async def versions(self) -> DatabaseVersions:
        """Read what the database is."""
        server = await self._session.scalar(select(func.current_setting("server_version")))
        schema = await self._session.scalar(text("SELECT version_num FROM alembic_version"))
        return DatabaseVersions(str(server), schema)

    async def holdings(self) -> Sequence[Holding]:
        """Read who holds which leases."""
        held = _held().subquery()
        expired = func.count().filter(held.c.leased_until < func.now())
        query = (
            select(
                func.coalesce(held.c.worker, "?"),
                held.c.queue,
                func.count(),
                expired,
                func.min(held.c.started_at),
                func.min(held.c.leased_until),
                func.max(held.c.leased_until),
            )
            .group_by(held.c.worker, held.c.queue)
            .order_by(held.c.queue, held.c.worker)
            .limit(MOST_HOLDINGS)
        )
        return [Holding(*row) for row in await self._session.execute(query)]

    async def oldest_open_seconds(self) -> Mapping[str, float]:
        """Age of the oldest unfinished job or batch of each queue that has one."""
        waiting = _open().subquery()
        age = _age(func.min(waiting.c.created_at))
        rows = await self._session.execute(select(waiting.c.queue, age.label("seconds")).group_by(waiting.c.queue))
        return {row.queue: row.seconds for row in rows}

    async def jobs(self, *, ended_within: timedelta) -> Mapping[JobStatus, int]:
        """Count the active jobs, and the ended ones that are not older than so much."""
        counted = or_(Job.status.in_(ACTIVE_STATUSES), Job.created_at > func.now() - ended_within)
        rows = await self._session.execute(
            select(Job.status, func.count().label("jobs")).where(counted).group_by(Job.status)
        )
        return dict.fromkeys(JobStatus, 0) | {row.status: row.jobs for row in rows}

    async def outbox(self) -> OutboxLag:
        """Count what the relay has to send."""
        due = OutboxEvent.available_at <= func.now()
        age = _age(func.min(OutboxEvent.available_at).filter(due))
        query = select(func.count().filter(due), func.count().filter(~due), age).where(OutboxEvent.sent_at.is_(None))
        unsent, delayed, oldest = (await self._session.execute(query)).one()
        return OutboxLag(unsent, delayed, oldest)

    async def dead_letters(self) -> DeadLetterCount:
        """Count the letters that are neither replayed nor purged."""
        age = _age(func.min(DeadLetter.created_at))
        query = select(func.count(), age).where(DeadLetter.replayed_at.is_(None), DeadLetter.purged_at.is_(None))
        count, oldest = (await self._session.execute(query)).one()
        return DeadLetterCount(count, oldest)

    async def errors(self, *, limit: int) -> Sequence[RecentError]:
        """Read the last failures, newest first."""
        found = union_all(*(_newest(event, limit) for event in ERROR_EVENTS)).subquery()
        query = select(found).order_by(found.c.ts.desc(), found.c.id.desc()).limit(limit)
        rows = (await self._session.execute(query)).mappings()
        return [RecentError(**{name: value for name, value in row.items() if name != "id"}) for row in rows]


def _age(since: ColumnElement[Any]) -> ColumnElement[Any]:
    """Seconds since a moment; null where there is none."""
    return cast(extract("epoch", func.now() - since), Double)


def _held() -> CompoundSelect[Any]:
    jobs = select(Job.worker, Job.queue_name.label("queue"), Job.started_at, Job.leased_until)
    batches = select(JobBatch.worker, _batch_queue(), JobBatch.started_at, JobBatch.leased_until)
    return union_all(
        jobs.where(Job.status == JobStatus.RUNNING, Job.leased_until.is_not(None)),
        batches.where(JobBatch.status == BatchStatus.RUNNING, JobBatch.leased_until.is_not(None)),
    )


def _open() -> CompoundSelect[Any]:
    upstream = aliased(Job)
    released = Job.waits_for_job_id.is_(None) | (upstream.status == JobStatus.SUCCEEDED)
    queued = (Job.status == JobStatus.QUEUED) & released
    held = (Job.status == JobStatus.RUNNING) & Job.leased_until.is_not(None)
    jobs = select(Job.queue_name.label("queue"), Job.created_at).outerjoin(
        upstream, upstream.id == Job.waits_for_job_id
    )
    # From the running jobs to their batches: those are found by an index, and ended jobs keep theirs for ever.
    batches = select(_batch_queue(), JobBatch.created_at).join(Job, Job.id == JobBatch.job_id)
    return union_all(
        jobs.where(Job.status.in_(ACTIVE_STATUSES), queued | held),
        batches.where(Job.status == JobStatus.RUNNING, JobBatch.status.in_(OPEN_BATCHES)),
    )


def _batch_queue() -> Any:
    return (literal("protea.") + JobBatch.kind).label("queue")


def _newest(event: str, limit: int) -> Select[Any]:
    # A statement per event: each reads its newest rows from the index, and no more.
    newest = (
        select(JobEvent.id, JobEvent.ts, JobEvent.event, JobEvent.message, Job.id.label("job_id"), Job.operation)
        .add_columns(JobEvent.fields["error_code"].astext.label("error_code"), Job.trace_id)
        .join(Job, Job.id == JobEvent.job_id)
        .where(JobEvent.event == event, Job.operation.not_in(PIPELINES))
        .order_by(JobEvent.ts.desc())
        .limit(limit)
        .subquery()
    )
    return select(newest)
