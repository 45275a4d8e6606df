"""``protea migrate``: the database of the settings to the newest schema."""

from __future__ import annotations

import asyncio

from rich.console import Console

__all__ = ["migrate"]


def migrate() -> None:
    """Bring the database to the newest schema; PROTEA_DB_URL says which."""
    # Loading SQLAlchemy takes half a second, which the other commands are spared.
    from protea_cli.database import migrate_database

    address = asyncio.run(migrate_database())
    Console(markup=False, highlight=False).print(f"The database at {address} has the newest schema.", soft_wrap=True)
