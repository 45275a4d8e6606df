"""Events that a consumer has handled, so that a second delivery changes nothing."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from protea_common.orm.base import Base

__all__ = ["InboxEvent"]


class InboxEvent(Base):
    """One event handled by one consumer, committed with what the handling changed.

    Written by the jobs library.
    """

    __tablename__ = "inbox_event"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
