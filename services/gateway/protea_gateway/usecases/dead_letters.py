"""Keeping the messages that nobody could handle."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.messaging.bus import (
    ATTEMPTS_HEADER,
    ERROR_CODE_HEADER,
    FIRST_DEATH_QUEUE_HEADER,
    FIRST_DEATH_REASON_HEADER,
    QUEUE_HEADER,
    REASON_HEADER,
    HeaderValue,
    IncomingMessage,
)
from protea_common.messaging.codec import MalformedMessageError, decode
from protea_common.telemetry import MetricRegistry
from protea_gateway.adapters.storage.dead_letters import DeadLetterStore, NewDeadLetter

__all__ = ["REPLAYS_HEADER", "KeepDeadLetter", "read_dead_letter", "replays_of"]

CONSUMER: Final = "dead-letter"
"""Under this name the inbox remembers letters; another name writes a repeated one again."""

OTHER_QUEUE: Final = "other"
"""How letters are counted that name no queue of ours."""

REPLAYS_HEADER: Final = "x-protea-replays"
"""How often a message was replayed: one that dies again is a new letter, not a repeated delivery of the old one."""

_REFUSED_BY_JSONB: Final = b"\\u0000"


class KeepDeadLetter:
    """Writes a dead letter to its table, once, and counts it.

    Parameters
    ----------
    queues
        Queues that letters are counted by.
    """

    def __init__(
        self, *, unit_of_work: Callable[[], UnitOfWork], metrics: MetricRegistry, queues: Collection[str]
    ) -> None:
        self._unit_of_work = unit_of_work
        self._metrics = metrics
        self._queues = frozenset(queues)
        for queue in (*self._queues, OTHER_QUEUE):
            metrics.dead_letters_total.labels(queue=queue)  # from the start: the rate of a series that appears is 0

    async def __call__(self, message: IncomingMessage) -> None:
        """Keep a letter; a repeated delivery changes nothing."""
        letter, is_new = read_dead_letter(message), False
        async with self._unit_of_work() as work:
            # A letter that is no event of ours has no id by which a repeat could be known.
            if letter.event_id is None or await work.receive(_consumer(letter.headers), letter.event_id):
                await DeadLetterStore(work.session).add(letter)
                is_new = True
        if is_new:
            self._metrics.dead_letters_total.labels(queue=self._label(letter.queue)).inc()

    def _label(self, queue: str) -> str:
        # Anybody may publish a letter that names any queue, and each would make a series of its own.
        return queue if queue in self._queues else OTHER_QUEUE


def replays_of(headers: Mapping[str, Any]) -> int:
    """Read how often a message was replayed before it died."""
    replays = headers.get(REPLAYS_HEADER)
    return replays if isinstance(replays, int) else 0


def _consumer(headers: Mapping[str, Any]) -> str:
    replays = replays_of(headers)
    return f"{CONSUMER}.{replays}" if replays else CONSUMER


def read_dead_letter(message: IncomingMessage) -> NewDeadLetter:
    """Take a letter apart; whatever it holds, the result can be stored."""
    headers = {_storable(name): _storable(value) for name, value in message.headers.items()}
    body = _body(message.body)
    return NewDeadLetter(
        queue=str(headers.get(QUEUE_HEADER) or headers.get(FIRST_DEATH_QUEUE_HEADER) or message.queue),
        event_id=_uuid(message.message_id),
        type=str(headers.get("cloudEvents_type") or _storable(message.routing_key)),
        subject=_uuid(headers.get("cloudEvents_subject")),
        reason=str(headers.get(REASON_HEADER) or headers.get(FIRST_DEATH_REASON_HEADER) or "The reason is not known."),
        error_code=str(headers.get(ERROR_CODE_HEADER) or "DeliveryLimit"),
        attempts=_attempts(headers),
        headers=headers,
        body=body,
        body_raw=None if body is not None else message.body,
    )


def _storable(value: HeaderValue) -> Any:
    # PostgreSQL refuses NUL in text, and a letter that cannot be written would come back for ever.
    return value.replace("\0", "") if isinstance(value, str) else value


def _body(raw: bytes) -> dict[str, Any] | None:
    try:
        return None if _REFUSED_BY_JSONB in raw else decode(raw)
    except MalformedMessageError:
        return None


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _attempts(headers: Mapping[str, Any]) -> int:
    attempts = headers.get(ATTEMPTS_HEADER)
    return attempts if isinstance(attempts, int) else 0
