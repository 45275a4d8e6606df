"""The peer of the messaging benchmark: aio-pika and asyncpg alone, as fast as they go when nothing is promised."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
from aio_pika import DeliveryMode, Message, connect
from aio_pika.abc import AbstractIncomingMessage
from servers import Servers

from protea_common.messaging.topology import EVENTS_EXCHANGE

__all__ = ["RawPeer"]

PIPELINED: Final = 1_000
"""Confirmations under way at once; one by one a quorum queue takes a sixth of it."""

POOL_CONNECTIONS: Final = 20
"""As many as the platform's pool has."""


class RawPeer:
    """Publishes with confirms, and consumes.

    Parameters
    ----------
    servers
        Where.
    """

    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    async def publish_all(self, routing_key: str, *, body: bytes, headers: Mapping[str, str], count: int) -> float:
        """Publish so many copies of a message, pipelined; give the seconds until the last is confirmed."""
        async with await connect(self._servers.amqp_url) as connection:
            channel = await connection.channel(on_return_raises=True)
            exchange = await channel.get_exchange(EVENTS_EXCHANGE)
            started = time.perf_counter()
            for first in range(0, count, PIPELINED):
                some = [_message(body, headers) for _ in range(min(PIPELINED, count - first))]
                await asyncio.gather(*(exchange.publish(message, routing_key) for message in some))
            return time.perf_counter() - started

    async def latencies(self, queue: str, routing_key: str, *, body: bytes, count: int) -> list[float]:
        """Publish one message after the other; give for each the seconds from publish to callback."""
        seconds: list[float] = []
        arrived = asyncio.Event()

        async def callback(message: AbstractIncomingMessage) -> None:
            seconds.append(time.perf_counter() - published)
            await message.ack()
            arrived.set()

        async with await connect(self._servers.amqp_url) as consuming, await connect(self._servers.amqp_url) as sending:
            channel = await consuming.channel()
            await channel.set_qos(prefetch_count=1)
            await (await channel.get_queue(queue, ensure=False)).consume(callback)
            exchange = await (await sending.channel()).get_exchange(EVENTS_EXCHANGE)
            for _ in range(count):
                arrived.clear()
                published = time.perf_counter()
                await exchange.publish(_message(body, {}), routing_key)
                await arrived.wait()
        return seconds

    async def consume_and_commit(self, queue: str, *, count: int, prefetch: int) -> float:
        """Commit one row for each message before it is acknowledged; give the seconds for so many messages."""
        finished = asyncio.Event()
        handled = 0

        async def callback(message: AbstractIncomingMessage) -> None:
            nonlocal handled
            await pool.execute("INSERT INTO raw_message (body) VALUES ($1)", message.body)
            await message.ack()
            handled += 1
            if handled == count:
                finished.set()

        async with self._pool() as pool, await connect(self._servers.amqp_url) as connection:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=prefetch)
            started = time.perf_counter()
            await (await channel.get_queue(queue, ensure=False)).consume(callback)
            await finished.wait()
            return time.perf_counter() - started

    async def purge(self, queue: str) -> None:
        """Empty a queue."""
        async with await connect(self._servers.amqp_url) as connection:
            channel = await connection.channel()
            await (await channel.get_queue(queue, ensure=False)).purge()

    @asynccontextmanager
    async def _pool(self) -> AsyncIterator[asyncpg.Pool]:
        address = self._servers.db_url.replace("+asyncpg", "")
        async with asyncpg.create_pool(address, min_size=POOL_CONNECTIONS, max_size=POOL_CONNECTIONS) as pool:
            await pool.execute("CREATE TABLE IF NOT EXISTS raw_message (id bigserial PRIMARY KEY, body bytea NOT NULL)")
            yield pool


def _message(body: bytes, headers: Mapping[str, str]) -> Message:
    return Message(body, headers=dict(headers), content_type="application/json", delivery_mode=DeliveryMode.PERSISTENT)
