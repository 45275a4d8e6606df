"""Delivering messages again: copies of what the outbox sent, published past everybody, in another order."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any

import aio_pika
from aio_pika.exceptions import AMQPError

from protea_common.messaging.codec import encode
from protea_common.messaging.topology import EVENTS_EXCHANGE
from support.faults.observer import Observer

__all__ = ["publish_copies"]

COPIED = 40
"""Messages that are sent again at a time."""

_RETRY_SECONDS = 0.5

_RECENT = """
    SELECT id, routing_key, body, headers FROM outbox_event
    WHERE sent_at IS NOT NULL AND (routing_key LIKE 'job.created.%' OR routing_key LIKE '%.requested%')
    ORDER BY sent_at DESC LIMIT $1
"""
_OLD = _RECENT.replace("DESC", "ASC")


async def publish_copies(amqp_url: str, observer: Observer, *, late: bool, seed: int) -> None:
    """Send requests for work once more, each twice and in random order, as soon as the broker is there."""
    rows = await observer.fetch(_OLD if late else _RECENT, COPIED)
    doubled = [*rows, *rows]
    random.Random(seed).shuffle(doubled)
    while True:
        try:
            return await _publish(amqp_url, doubled)
        except (OSError, AMQPError):
            await asyncio.sleep(_RETRY_SECONDS)


async def _publish(amqp_url: str, rows: Sequence[Any]) -> None:
    async with await aio_pika.connect(amqp_url, timeout=5) as connection, connection.channel() as channel:
        exchange = await channel.get_exchange(EVENTS_EXCHANGE, ensure=False)
        for row in rows:
            message = aio_pika.Message(
                encode(json.loads(row["body"])),
                message_id=str(row["id"]),
                headers=json.loads(row["headers"]),
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            )
            await exchange.publish(message, row["routing_key"])
