"""Messages that nobody could handle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import DeadLetter

__all__ = ["DeadLetterStore", "NewDeadLetter"]


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


class DeadLetterStore:
    """Reads and writes dead letters."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, letter: NewDeadLetter) -> None:
        """Keep a letter."""
        await self._session.execute(insert(DeadLetter).values(**asdict(letter)))

    async def page(self, *, before: int | None, limit: int) -> Sequence[DeadLetter]:
        """List letters, newest first, from below a letter's id."""
        query = select(DeadLetter).order_by(DeadLetter.id.desc()).limit(limit)
        if before is not None:
            query = query.where(DeadLetter.id < before)
        return (await self._session.scalars(query)).all()
