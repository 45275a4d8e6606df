"""Killing a service at a certain moment: when it holds work whose rows it cannot write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from support.editions import LoadedCluster

__all__ = ["killed_while_writing"]

CLAIM_SECONDS = 30.0


@asynccontextmanager
async def killed_while_writing(
    cluster: LoadedCluster, service: str, *, table: str, claimed: str
) -> AsyncIterator[None]:
    """Kill a service once it holds work whose rows it cannot write; submit the work inside the block."""
    transaction = cluster.database.transaction()
    await transaction.start()
    await cluster.database.execute(f"LOCK TABLE {table} IN SHARE MODE")
    try:
        yield
        await _until_blocked(cluster.database, claimed=claimed, table=table)
        await asyncio.to_thread(cluster.processes.kill, service)
    finally:
        await transaction.rollback()
    cluster.processes.start(service)
    await asyncio.to_thread(cluster.processes.wait_until_ready, service)


async def _until_blocked(database: asyncpg.Connection, *, claimed: str, table: str) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::text::regclass"
    async with asyncio.timeout(CLAIM_SECONDS):
        while not (await database.fetchval(claimed) and await database.fetchval(waiting, table)):
            await asyncio.sleep(0.05)
