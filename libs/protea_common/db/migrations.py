"""Bringing a database to the newest schema."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["migrations_folder", "upgrade_to_head"]


def migrations_folder() -> Path:
    """Find the migrations: inside the installed package, or at the top of a checkout."""
    package = Path(str(resources.files("protea_common")))
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parents[1] / "migrations"


async def upgrade_to_head(engine: AsyncEngine) -> None:
    """Run all migrations that the database has not seen, in one transaction."""
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    folder = migrations_folder()
    config = Config(folder / "alembic.ini")
    config.set_main_option("script_location", str(folder))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
