"""Messages that nobody could handle, kept to be read, replayed or purged."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from protea_common.orm.base import Base, Count, CreatedAt, IdentityKey, JsonObject

__all__ = ["DeadLetter"]


class DeadLetter(Base):
    """A message from the dead-letter queue; exactly as it came, so that a replay sends the same.

    Written by the gateway.

    Attributes
    ----------
    queue
        Queue on which it died.
    subject
        Job it was about; no foreign key, since a letter outlives its job.
    reason
        Why it was given up.
    body, body_raw
        What it said: as JSON, or the bytes when they are none.
    """

    __tablename__ = "dead_letter"

    id: Mapped[IdentityKey]
    queue: Mapped[str] = mapped_column(index=True)
    event_id: Mapped[UUID | None]
    type: Mapped[str]
    subject: Mapped[UUID | None]
    reason: Mapped[str]
    error_code: Mapped[str]
    attempts: Mapped[Count]
    headers: Mapped[JsonObject]
    body: Mapped[dict[str, Any] | None]
    body_raw: Mapped[bytes | None]
    created_at: Mapped[CreatedAt] = mapped_column(index=True)
    replayed_at: Mapped[datetime | None]
    purged_at: Mapped[datetime | None]
