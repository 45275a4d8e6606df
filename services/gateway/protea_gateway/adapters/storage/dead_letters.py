"""Messages that nobody could handle, and what became of the work that they were about."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, null, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import BatchStatus, DeadLetter, Job, JobBatch, JobStatus

__all__ = ["DeadLetterStore", "LetterFilter", "LetterState", "NewDeadLetter", "PurgeCount", "Standing"]


class LetterState(StrEnum):
    """What became of letters that are listed."""

    OPEN = "open"
    REPLAYED = "replayed"
    PURGED = "purged"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class NewDeadLetter:
    """A dead letter to be written; fields as in `protea_common.orm.DeadLetter`."""

    queue: str
    event_id: UUID | None
    type: str
    subject: UUID | None
    reason: str
    error_code: str
    attempts: int
    headers: dict[str, Any]
    body: dict[str, Any] | None
    body_raw: bytes | None


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Which letters are meant; ``None`` for any.

    Attributes
    ----------
    queue
        Where they died.
    older_than
        How long ago they died at least, by the database's clock.
    """

    ids: Collection[int] | None = None
    queue: str | None = None
    older_than: timedelta | None = None

    @property
    def means_all(self) -> bool:
        """Whether nothing narrows it."""
        return self.ids is None and self.queue is None and self.older_than is None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Write it for a statement's ``where``."""
        conditions: list[ColumnElement[bool]] = []
        if self.ids is not None:
            conditions.append(DeadLetter.id.in_(self.ids))
        if self.queue is not None:
            conditions.append(DeadLetter.queue == self.queue)
        if self.older_than is not None:
            conditions.append(DeadLetter.created_at <= func.now() - self.older_than)
        return conditions


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the work stands that a letter is about.

    Attributes
    ----------
    batch
        Of the batch that it asks for; ``None`` for a letter that asks for a whole job, or a batch that is gone.
    """

    operation: str
    status: JobStatus
    error_code: str | None
    parent_job_id: UUID | None
    batch: BatchStatus | None


@dataclass(frozen=True, slots=True)
class PurgeCount:
    """Letters of one queue that a purge is about.

    Attributes
    ----------
    replayed
        How many of them were replayed before.
    """

    queue: str
    letters: int
    replayed: int


class DeadLetterStore:
    """Reads and writes dead letters."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, letter: NewDeadLetter) -> None:
        """Keep a letter."""
        await self._session.execute(insert(DeadLetter).values(**asdict(letter)))

    async def page(
        self, wanted: LetterFilter, *, state: LetterState, before: int | None, limit: int
    ) -> Sequence[DeadLetter]:
        """List letters, newest first, from below a letter's id."""
        query = select(DeadLetter).where(*wanted.conditions()).order_by(DeadLetter.id.desc()).limit(limit)
        if before is not None:
            query = query.where(DeadLetter.id < before)
        match state:
            case LetterState.OPEN:
                query = query.where(_is_open())
            case LetterState.REPLAYED:
                query = query.where(DeadLetter.replayed_at.is_not(None), DeadLetter.purged_at.is_(None))
            case LetterState.PURGED:
                query = query.where(DeadLetter.purged_at.is_not(None))
            case LetterState.ALL:
                pass
        return (await self._session.scalars(query)).all()

    async def hold(self, wanted: LetterFilter, *, limit: int) -> Sequence[DeadLetter]:
        """Read letters, oldest first, and keep others from changing them until the commit.

        Open ones; those that are named by their ids in any state, so that it can be told why they are not sent.
        """
        query = select(DeadLetter).where(*wanted.conditions()).order_by(DeadLetter.id).limit(limit).with_for_update()
        if wanted.ids is None:
            query = query.where(_is_open())
        return (await self._session.scalars(query)).all()

    async def count_open(self, wanted: LetterFilter) -> int:
        """Count the letters that are neither replayed nor purged."""
        return (
            await self._session.scalar(select(func.count(DeadLetter.id)).where(*wanted.conditions(), _is_open())) or 0
        )

    async def mark_replayed(self, ids: Collection[int]) -> None:
        """Remember that letters were sent again."""
        statement = update(DeadLetter).where(DeadLetter.id.in_(ids)).values(replayed_at=func.now())
        await self._session.execute(statement.execution_options(synchronize_session=False))

    async def count_unpurged(self, wanted: LetterFilter) -> Sequence[PurgeCount]:
        """Count what a purge would take, by queue."""
        query = select(DeadLetter.queue, func.count(), func.count(DeadLetter.replayed_at))
        query = query.where(*wanted.conditions(), DeadLetter.purged_at.is_(None))
        rows = await self._session.execute(query.group_by(DeadLetter.queue).order_by(DeadLetter.queue))
        return [PurgeCount(*row) for row in rows]

    async def purge(self, wanted: LetterFilter) -> Sequence[PurgeCount]:
        """Forget what letters said; that they were there, and why, is kept."""
        statement = update(DeadLetter).where(*wanted.conditions(), DeadLetter.purged_at.is_(None))
        statement = statement.values(purged_at=func.now(), headers={}, body=null(), body_raw=null())
        purged = statement.returning(DeadLetter.queue, DeadLetter.replayed_at).cte("purged").c
        query = select(purged.queue, func.count(), func.count(purged.replayed_at))
        rows = await self._session.execute(query.group_by(purged.queue).order_by(purged.queue))
        return [PurgeCount(*row) for row in rows]

    async def standing(self, job_id: UUID, *, batch_index: int | None) -> Standing | None:
        """Read where a job stands, with one of its batches; ``None`` if the job is gone."""
        query = select(Job.operation, Job.status, Job.error_code, Job.parent_job_id, JobBatch.status.label("batch"))
        query = query.outerjoin(JobBatch, (JobBatch.job_id == Job.id) & (JobBatch.batch_index == batch_index))
        row = (await self._session.execute(query.where(Job.id == job_id))).mappings().one_or_none()
        return None if row is None else Standing(**row)


def _is_open() -> ColumnElement[bool]:
    return DeadLetter.replayed_at.is_(None) & DeadLetter.purged_at.is_(None)
