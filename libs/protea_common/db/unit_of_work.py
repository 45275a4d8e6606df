"""The unit of work: rows and the events about them are committed together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from sqlalchemy import func, insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db.engine import SessionFactory
from protea_common.events import Envelope, Event
from protea_common.orm import InboxEvent, OutboxEvent
from protea_common.telemetry import created_message, inject_trace_context

__all__ = ["UnitOfWork"]

_ROWS_PER_STATEMENT = 500
"""Outbox rows written at once: seven parameters each, and PostgreSQL takes at most 65,535 a statement."""


class UnitOfWork:
    """One transaction with its outbox.

    Store classes take `session`, flush and never commit; this class commits at the end of the block and rolls back
    when it raises. Events given to `publish` become outbox rows of the same transaction, so a crash can neither lose
    an event nor send one for rows that were rolled back.
    """

    def __init__(
        self,
        session_factory: SessionFactory,
        *,
        source: str,
        observe: Callable[[Event], None] | None = None,
        count: Callable[[str], None] | None = None,
    ) -> None:
        self._session_factory = session_factory
        self._source = source
        self._observe = observe
        self._count = count
        self._events: list[Event] = []
        self._noted: list[str] = []
        self._session: AsyncSession | None = None
        self._outbox: list[dict[str, object]] = []
        self._repeated: list[dict[str, object]] = []

    @property
    def session(self) -> AsyncSession:
        """Session of the running transaction."""
        if self._session is None:
            raise RuntimeError("A unit of work is used outside its `async with` block.")
        return self._session

    async def __aenter__(self) -> Self:
        self._session = self._session_factory()
        # The first statement begins the transaction.
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        session, self._session = self.session, None
        try:
            if exc_type is None:
                await self._write_outbox(session)
                await session.commit()
                self._tell_observer()
            else:
                await session.rollback()
        finally:
            self._outbox.clear()
            self._repeated.clear()
            self._events.clear()
            self._noted.clear()
            await session.close()

    def publish(self, event: Event, *, available_at: datetime | None = None, traceparent: str | None = None) -> UUID:
        """Send an event once the transaction is committed.

        Parameters
        ----------
        event
            The fact.
        available_at
            Not before this time; ``None`` for at once. A delayed retry is sent like this.
        traceparent
            W3C trace context to continue; the current span's when ``None``.

        Returns
        -------
        event_id
            UUIDv7 under which consumers remember it.
        """
        envelope = Envelope.seal(event, source=self._source)
        headers = inject_trace_context(dict(envelope.to_headers()))
        if traceparent is not None:
            headers["traceparent"] = traceparent
        row: dict[str, object] = {
            "id": envelope.id,
            "routing_key": event.routing_key,
            "source": self._source,
            "subject": event.subject,
            "body": event.model_dump(mode="json"),
            "headers": headers,
            "available_at": available_at or func.now(),
        }
        self._outbox.append(row)
        self._events.append(event)
        return envelope.id

    def republish(
        self, event_id: UUID, *, routing_key: str, body: Mapping[str, Any], headers: Mapping[str, Any]
    ) -> None:
        """Send a stored event once more, as the same event: its row goes back to the unsent ones, or is made again.

        Parameters
        ----------
        event_id
            Under which consumers know it already.
        routing_key, body
            As it was sent before.
        headers
            Envelope and trace context; its trace goes on.

        Raises
        ------
        EventFormatError
            If the headers hold no envelope.
        """
        envelope = Envelope.from_headers(headers)
        row: dict[str, object] = {
            "id": event_id,
            "routing_key": routing_key,
            "source": envelope.source,
            "subject": envelope.subject,
            "body": dict(body),
            "headers": dict(headers),
            "available_at": func.now(),
        }
        self._repeated.append(row)

    def note(self, entry: str) -> None:
        """Count a timeline entry by its name, once the transaction is committed."""
        self._noted.append(entry)

    async def receive(self, consumer: str, event_id: UUID) -> bool:
        """Remember an event in the same transaction as its effect; false if it was there already."""
        statement = upsert(InboxEvent).values(consumer=consumer, event_id=event_id).on_conflict_do_nothing()
        inserted = await self.session.scalar(statement.returning(InboxEvent.event_id))
        return inserted is not None

    def _tell_observer(self) -> None:
        if self._observe is not None:
            for event in self._events:
                self._observe(event)
        if self._count is not None:
            for entry in self._noted:
                self._count(entry)

    async def _write_outbox(self, session: AsyncSession) -> None:
        created = [_created(row) for row in self._outbox]
        for start in range(0, len(created), _ROWS_PER_STATEMENT):
            await session.execute(insert(OutboxEvent).values(created[start : start + _ROWS_PER_STATEMENT]))
        for row in self._repeated:
            again = {"headers": row["headers"], "available_at": row["available_at"], "sent_at": None}
            await session.execute(
                upsert(OutboxEvent).values(**row).on_conflict_do_update(index_elements=[OutboxEvent.id], set_=again)
            )


def _created(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give an outbox row the span that its message continues."""
    with created_message(row["headers"], routing_key=row["routing_key"], message_id=str(row["id"])) as headers:
        return {**row, "headers": headers}
