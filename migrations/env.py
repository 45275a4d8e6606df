"""How alembic reaches the database: by a connection it is handed, else by an address."""

from __future__ import annotations

import asyncio
import os

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from protea_common.orm import Base

_LOCK_KEY = 5_066_072_418_126_921
"""Advisory lock around a migration, so that of several processes that start at once only one migrates."""


def database_url() -> URL:
    """Read the address from ``-x db_url=`` or the environment; any PostgreSQL driver in it becomes asyncpg."""
    address = context.get_x_argument(as_dictionary=True).get("db_url") or os.environ.get("PROTEA_DB_URL")
    if not address:
        raise CommandError("Which database? Set PROTEA_DB_URL, or add -x db_url=postgresql://user@host/name.")
    return make_url(address).set(drivername="postgresql+asyncpg")


def migrate(connection: Connection) -> None:
    """Run the migrations that the command asks for, in one transaction."""
    context.configure(connection=connection, target_metadata=Base.metadata, compare_server_default=True)
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        context.run_migrations()


async def migrate_by_address() -> None:
    """Connect, migrate, leave."""
    engine = create_async_engine(database_url(), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


def write_sql() -> None:
    """Write the statements instead of running them (``--sql``)."""
    context.configure(dialect_name="postgresql", target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    write_sql()
elif (handed_over := context.config.attributes.get("connection")) is not None:
    migrate(handed_over)
else:
    asyncio.run(migrate_by_address())
