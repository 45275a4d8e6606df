"""The relay: sends committed outbox rows with confirms, then marks them sent."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from protea_common.db import DATABASE_AWAY
from protea_common.errors import TransientError
from protea_common.messaging.bus import MessageBus, OutgoingMessage, UnroutableError
from protea_common.messaging.codec import encode
from protea_common.messaging.tracing import sent_messages
from protea_common.orm import OutboxEvent

__all__ = ["OutboxRelay"]

logger = logging.getLogger(__name__)

_BATCH = 500
"""Rows sent in one transaction: their confirms are awaited together, so more is faster but locks rows for longer."""

_POLL = timedelta(seconds=1)
"""Longest wait for a row when the doorbell stays silent: delayed rows become due without it."""


_DUE = (
    select(OutboxEvent.id, OutboxEvent.routing_key, OutboxEvent.body, OutboxEvent.headers)
    .where(OutboxEvent.sent_at.is_(None), OutboxEvent.available_at <= func.now())
    # The order of the index: a sort would read the dead entries of all rows sent since the last vacuum.
    .order_by(OutboxEvent.available_at, OutboxEvent.sequence)
    .limit(_BATCH)
    .with_for_update(skip_locked=True)
)

_MARK_SENT = update(OutboxEvent).values(sent_at=func.now(), attempts=OutboxEvent.attempts + 1)


class OutboxRelay:
    """Moves outbox rows to the bus; several relays share the work, since each locks the rows that it sends.

    A crash between the confirm and the commit sends a row twice; consumers claim, so the second delivery does nothing.

    Parameters
    ----------
    engine, bus
        From where to where.
    doorbell
        Set by whoever in this process has committed an event. Events of a process that died after its commit, and
        delayed ones, are found within a second by any relay.
    """

    def __init__(self, engine: AsyncEngine, bus: MessageBus, *, doorbell: asyncio.Event) -> None:
        self._engine = engine
        self._bus = bus
        self._doorbell = doorbell

    async def run(self) -> None:
        """Send rows until cancelled: at once when the doorbell rings, at the latest every second."""
        while True:
            try:
                # One connection for all: taking one from the pool, which asks whether it lives, delays every event.
                async with self._engine.connect() as connection:
                    await self._send_when_rung(connection)
            except (*DATABASE_AWAY, TransientError) as exc:
                logger.warning("the relay waits", extra={"detail": str(exc)})
                await asyncio.sleep(_POLL.total_seconds())

    async def send_due(self) -> int:
        """Send the rows that are due, oldest first; give their number.

        Raises
        ------
        BrokerUnavailableError
            If the bus does not confirm; the rows stay unsent.
        """
        async with self._engine.connect() as connection:
            return await self._send(connection)

    async def _send(self, connection: AsyncConnection) -> int:
        async with connection.begin():
            rows = (await connection.execute(_DUE)).all()
            if rows:
                with sent_messages([_message(row) for row in rows]) as messages:
                    await self._publish(messages)
                await connection.execute(_MARK_SENT.where(OutboxEvent.id.in_([row.id for row in rows])))
        return len(rows)

    async def _publish(self, messages: Sequence[OutgoingMessage]) -> None:
        try:
            await self._bus.publish(messages)
        except UnroutableError as exc:
            # News that nobody listens to is fine. Work that no queue takes is found again by the reaper.
            lost = {
                m.routing_key for m in messages if m.message_id in exc.message_ids and _asks_for_work(m.routing_key)
            }
            if lost:
                logger.exception("no queue takes this work", extra={"routing_keys": sorted(lost)})

    async def _send_when_rung(self, connection: AsyncConnection) -> None:
        while True:
            self._doorbell.clear()
            while await self._send(connection) == _BATCH:
                pass
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL.total_seconds()):
                    await self._doorbell.wait()


def _asks_for_work(routing_key: str) -> bool:
    return routing_key.startswith("job.created.") or ".requested" in routing_key


def _message(row: Row[tuple[object, ...]]) -> OutgoingMessage:
    return OutgoingMessage(
        message_id=str(row.id), routing_key=row.routing_key, body=encode(row.body), headers=row.headers
    )
