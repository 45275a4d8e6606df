"""``protea keys``: who may use a PROTEA that asks for keys; works on the database of the settings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from protea_cli.errors import CommandError

if TYPE_CHECKING:
    from protea_common.orm import ApiKey

__all__ = ["app"]

MOST_KEYS: Final = 1_000
"""Keys listed; whoever has more asks the database."""

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys; PROTEA_DB_URL says in which database.")


@app.command()
def create(name: Annotated[str, typer.Argument(help="What the key is for.")]) -> None:
    """Make a key and show it, this once; it goes to standard output, alone."""
    key = asyncio.run(_create(name))
    Console(stderr=True, markup=False, highlight=False).print("Keep it: it cannot be shown again.")
    typer.echo(key)


@app.command("list")
def list_keys() -> None:
    """List the keys, the newest first, by the first characters that name them."""
    table = Table("prefix", "name", "made", "last used", "revoked", box=box.SIMPLE_HEAD, pad_edge=False)
    for key in asyncio.run(_list()):
        moments = (key.created_at, key.last_used_at, key.revoked_at)
        table.add_row(key.prefix, Text(key.name), *map(_moment, moments))
    Console(highlight=False).print(table)


@app.command()
def revoke(prefix: Annotated[str, typer.Argument(help="First 8 characters of the key.")]) -> None:
    """Refuse a key from now on, for good."""
    name = asyncio.run(_revoke(prefix))
    Console(markup=False, highlight=False).print(f"The key {prefix} ({name}) is revoked.", soft_wrap=True)


async def _create(name: str) -> str:
    # Loading SQLAlchemy takes half a second, which the other commands are spared.
    from protea_cli.database import open_database
    from protea_gateway.usecases.access import CreateApiKey

    async with open_database() as unit_of_work:
        return (await CreateApiKey(unit_of_work=unit_of_work)(name)).key


async def _list() -> Sequence[ApiKey]:
    from protea_cli.database import open_database
    from protea_gateway.adapters.storage.access import ApiKeyStore

    async with open_database() as unit_of_work, unit_of_work() as work:
        return await ApiKeyStore(work.session).page(limit=MOST_KEYS, offset=0)


async def _revoke(prefix: str) -> str:
    from protea_cli.database import open_database
    from protea_gateway.adapters.storage.access import ApiKeyStore

    async with open_database() as unit_of_work, unit_of_work() as work:
        store = ApiKeyStore(work.session)
        found = await store.valid_with_prefix(prefix)
        if len(found) != 1:
            raise CommandError(f"{len(found)} valid keys begin with {prefix!r}: `protea keys list` shows them")
        await store.revoke(found[0].id)
        return found[0].name


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
