"""One engine and one session factory per process, and waiting for a database that is still starting."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeAlias

from asyncpg import InternalClientError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from protea_common.errors import TransientError
from protea_common.settings import Settings, safe_url
from protea_common.telemetry import instrument_sqlalchemy_engine

__all__ = [
    "DATABASE_AWAY",
    "DatabaseUnavailableError",
    "SessionFactory",
    "build_engine",
    "build_session_factory",
    "check_database",
    "session_scope",
    "wait_for_database",
]

logger = logging.getLogger(__name__)

SessionFactory: TypeAlias = async_sessionmaker[AsyncSession]
"""Makes one session per unit of work."""

DATABASE_AWAY = (OSError, DBAPIError, PoolTimeoutError, InternalClientError)
"""What a statement raises while the database is away, restarts or hangs.

All connections in use is a sign of that, and so is asyncpg's complaint about its own state, which a connection that
breaks in the middle of a statement leaves behind and SQLAlchemy passes on as it is.
"""

_KEEPALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
"""Seconds, seconds, probes: the server gives up a client whose host is gone after about 25 s.

With its own default, two hours, the locks of a worker that vanished in a transaction would keep others from its work.
"""

_RETRY_SECONDS = 1.0
"""Pause between tries while the database starts; shorter only fills the log."""


class DatabaseUnavailableError(TransientError):
    """The database does not answer."""


def build_engine(settings: Settings) -> AsyncEngine:
    """Make the process's engine from ``settings.db_url``; nothing connects yet."""
    worker = settings.worker
    engine = create_async_engine(
        settings.db_url,
        pool_size=worker.db_pool_size,
        max_overflow=worker.db_pool_max_overflow,
        pool_recycle=int(worker.db_pool_recycle.total_seconds()),
        pool_pre_ping=True,
        connect_args={"server_settings": _KEEPALIVE},
        hide_parameters=True,  # an error would print the values of its statement, sequences among them
    )
    instrument_sqlalchemy_engine(engine)
    return engine


def build_session_factory(engine: AsyncEngine) -> SessionFactory:
    """Make the factory of sessions; objects stay readable after the commit."""
    return async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def session_scope(factory: SessionFactory) -> AsyncIterator[AsyncSession]:
    """Commit when the block ends, roll back when it raises, close in either case."""
    async with factory() as session, session.begin():
        yield session


async def check_database(engine: AsyncEngine) -> None:
    """Ask the database for one row.

    Raises
    ------
    DatabaseUnavailableError
        If it does not answer.
    """
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except DATABASE_AWAY as exc:
        raise DatabaseUnavailableError(
            f"The database at {safe_url(str(engine.url))} does not answer: {exc}. Check PROTEA_DB_URL and the server."
        ) from exc


async def wait_for_database(engine: AsyncEngine, *, limit: timedelta) -> None:
    """Wait until the database answers, saying so once a second.

    Raises
    ------
    DatabaseUnavailableError
        If it still does not answer after ``limit``.
    """
    deadline = asyncio.get_running_loop().time() + limit.total_seconds()
    while True:
        try:
            return await check_database(engine)
        except DatabaseUnavailableError as exc:
            if asyncio.get_running_loop().time() >= deadline:
                raise
            logger.warning("waiting for the database", extra={"detail": str(exc)})
            await asyncio.sleep(_RETRY_SECONDS)
