"""Services beside a block of code: what happens when one of them fails."""

from __future__ import annotations

import asyncio

import pytest

from protea_common.messaging.memory import MemoryBus
from protea_common.runtime import Service, open_platform
from protea_common.settings import Settings
from protea_standalone.serving import served


async def test_a_service_that_fails_ends_the_block_and_says_why(migrated_database_url: str) -> None:
    settings = Settings(db_url=migrated_database_url, amqp_url="amqp://in-process/")

    async def fail() -> None:
        await asyncio.sleep(0)
        raise RuntimeError("the feed is broken")

    with pytest.raises(ExceptionGroup) as raised:
        async with (
            open_platform(settings, MemoryBus()) as platform,
            served(platform, [Service(name="feeding", background=[fail])]),
        ):
            await asyncio.Event().wait()

    assert raised.group_contains(RuntimeError, match="the feed is broken")
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_block_that_ends_stops_the_services(migrated_database_url: str) -> None:
    settings = Settings(db_url=migrated_database_url, amqp_url="amqp://in-process/")
    ended = asyncio.Event()

    async def run() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with (
        open_platform(settings, MemoryBus()) as platform,
        served(platform, [Service(name="waiting", background=[run])]),
    ):
        await asyncio.sleep(0)

    assert ended.is_set()
