"""Events that are committed with the change they tell of, until the relay has sent them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from protea_common.orm.base import Base, Count, CreatedAt

__all__ = ["OutboxEvent"]


class OutboxEvent(Base):
    """An event to be published, now or at ``available_at``; a retry is a row with a later one.

    Written by the jobs library.

    Attributes
    ----------
    id
        Id of the event (UUIDv7), given by whoever writes the row.
    sequence
        Order in which rows are sent.
    routing_key
        Key under which it is published: the event's type, for ``job.created`` with the operation.
    headers
        The CloudEvents envelope, ``traceparent`` and ``tracestate``, as they travel.
    """

    __tablename__ = "outbox_event"
    __table_args__ = (
        Index("ix_outbox_event_unsent", "available_at", "sequence", postgresql_where=text("sent_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    routing_key: Mapped[str]
    source: Mapped[str]
    subject: Mapped[UUID | None] = mapped_column(index=True)
    body: Mapped[dict[str, Any]]
    headers: Mapped[dict[str, Any]]
    created_at: Mapped[CreatedAt]
    available_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
    attempts: Mapped[Count]
