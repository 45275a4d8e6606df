"""Runs the handlers of one subscription: bounded concurrency, one settlement per delivery, a drain with grace."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from protea_common.messaging.bus import (
    ATTEMPTS_HEADER,
    ERROR_CODE_HEADER,
    QUEUE_HEADER,
    REASON_HEADER,
    Acknowledged,
    DeadLettered,
    Disposition,
    Handler,
    IncomingMessage,
    Listener,
    OutgoingMessage,
    Requeued,
)

__all__ = [
    "BROADCAST_PREFETCH",
    "FIRST_PAUSE",
    "LONGEST_PAUSE",
    "MAX_REASON_CHARACTERS",
    "Delivery",
    "Dispatcher",
    "dead_letter_copy",
    "heard_once",
]

BROADCAST_PREFETCH = 32
"""Broadcasts a listener hears at a time; lower, and a slow one holds up the others; higher costs memory."""

FIRST_PAUSE = timedelta(milliseconds=200)
"""How long the message of a handler that raised rests the first time, doubled at each return.

Lower, and a broken handler spins; higher, and a hiccup costs more than it has to.
"""

LONGEST_PAUSE = timedelta(seconds=30)
"""Longest rest after a handler raised; the handler's slot is held meanwhile.

With the platform's delivery limit, messages outlive about twenty minutes without a database. Lower, and they are
dead-lettered sooner; higher, and the work resumes later than it could.
"""

MAX_REASON_CHARACTERS = 2_000
"""Longest reason on a dead letter.

AMQP headers share one frame (128 KiB by default, 4 bytes a character at most): a longer one closes the connection.
"""

logger = logging.getLogger(__name__)


class Delivery(Protocol):
    """A message in our hands, to be settled by exactly one of the four coroutines."""

    @property
    def message(self) -> IncomingMessage:
        """What was delivered."""

    @property
    def is_live(self) -> bool:
        """Whether it can still be settled; if not, the broker delivers it again."""

    async def acknowledge(self) -> None:
        """Remove it from the queue."""

    async def requeue(self) -> None:
        """Put it back and count that against the delivery limit."""

    async def hand_back(self) -> None:
        """Put it back as not handled, without blame where the broker knows the difference."""

    async def dead_letter(self, verdict: DeadLettered) -> None:
        """Send a copy that carries the verdict to the dead-letter exchange, then remove it from the queue."""


class Dispatcher:
    """Feeds deliveries to a handler, ``prefetch`` at a time, and settles each as the handler says.

    Handlers run in tasks of their own, so a lost connection does not cancel them: their work is finished, and the
    message that comes again finds it done.
    """

    def __init__(self, handler: Handler, *, prefetch: int) -> None:
        self._handler = handler
        self._slots = asyncio.Semaphore(prefetch)
        self._closed = asyncio.Event()
        self._deliveries: set[asyncio.Task[None]] = set()
        self._handlers: set[asyncio.Task[Disposition]] = set()

    def start(self, delivery: Delivery) -> asyncio.Task[None]:
        """Handle and settle a delivery in the background; the task ends when it is settled."""
        task = asyncio.create_task(self._process(delivery))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)
        return task

    def close(self) -> None:
        """From now on hand back every delivery that no handler has begun."""
        self._closed.set()

    async def drain(self, grace: timedelta) -> None:
        """Close, let running handlers finish within ``grace``, cancel the others and settle everything."""
        self.close()
        if self._deliveries:
            await asyncio.wait(self._deliveries, timeout=grace.total_seconds())
        for handler in self._handlers:
            handler.cancel()
        if self._deliveries:
            await asyncio.wait(self._deliveries)

    async def _process(self, delivery: Delivery) -> None:
        async with self._slots:
            begin = delivery.is_live and not self._closed.is_set()
            disposition = await self._dispose(delivery.message) if begin else Requeued()
        match disposition:
            case Acknowledged():
                await delivery.acknowledge()
            case DeadLettered():
                await delivery.dead_letter(disposition)
            case Requeued() if self._closed.is_set():
                await delivery.hand_back()
            case Requeued():
                await delivery.requeue()

    async def _dispose(self, message: IncomingMessage) -> Disposition:
        """Run the handler where only a drain can cancel it."""
        handler = asyncio.create_task(self._handle(message))
        self._handlers.add(handler)
        handler.add_done_callback(self._handlers.discard)
        await asyncio.wait({handler})
        return Requeued() if handler.cancelled() else handler.result()

    async def _handle(self, message: IncomingMessage) -> Disposition:
        try:
            return await self._handler(message)
        except Exception:
            logger.exception(
                "A handler raised instead of deciding; the message goes back to its queue", extra=_described(message)
            )
        await self._pause(message.delivery_count)
        return Requeued()

    async def _pause(self, returns: int) -> None:
        """Rest before a message goes back; a drain ends the rest."""
        # The exponent is bounded before it overflows a float.
        seconds = min(FIRST_PAUSE.total_seconds() * 2 ** min(returns, 16), LONGEST_PAUSE.total_seconds())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closed.wait()


def dead_letter_copy(message: IncomingMessage, verdict: DeadLettered) -> OutgoingMessage:
    """Copy a message for the dead-letter exchange: its id, routing key, body and headers, and why it ended."""
    return OutgoingMessage(
        message_id=message.message_id,
        routing_key=message.routing_key,
        body=message.body,
        headers={
            **message.headers,
            REASON_HEADER: verdict.reason[:MAX_REASON_CHARACTERS],
            ERROR_CODE_HEADER: verdict.error_code,
            ATTEMPTS_HEADER: verdict.attempts,
            QUEUE_HEADER: message.queue,
        },
    )


def heard_once(listener: Listener) -> Handler:
    """Make a handler of a listener: whatever happens, the broadcast is not repeated."""

    async def hear(message: IncomingMessage) -> Disposition:
        try:
            await listener(message)
        except Exception:
            logger.exception("A listener failed; the broadcast is not repeated", extra=_described(message))
        return Acknowledged()

    return hear


def _described(message: IncomingMessage) -> dict[str, str]:
    return {"queue": message.queue, "message_id": message.message_id, "routing_key": message.routing_key}
