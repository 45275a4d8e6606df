"""What the commands that work on the database itself have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from protea_common.db import UnitOfWork, build_engine, build_session_factory, upgrade_to_head, wait_for_database
from protea_common.settings import load_settings, safe_url

__all__ = ["migrate_database", "open_database"]

SOURCE: Final = "protea-cli"
"""Who makes the rows, should they ever come with events."""


async def migrate_database() -> str:
    """Run all migrations that the database has not seen; give its address, without the password."""
    async with _engine() as engine:
        await upgrade_to_head(engine)
        return safe_url(engine.url.render_as_string(hide_password=False))


@asynccontextmanager
async def open_database() -> AsyncIterator[Callable[[], UnitOfWork]]:
    """Connect to the database of the settings, for as many units of work as the block begins."""
    async with _engine() as engine:
        yield partial(UnitOfWork, build_session_factory(engine), source=SOURCE)


@asynccontextmanager
async def _engine() -> AsyncIterator[AsyncEngine]:
    # A broker's address is not asked for: nothing here speaks to one.
    settings = load_settings(Path.cwd(), overrides={"amqp_url": "amqp://not-used/"})
    engine = build_engine(settings)
    try:
        await wait_for_database(engine, limit=settings.startup.dependency_wait)
        yield engine
    finally:
        await engine.dispose()
