"""``protea dead-letters``: messages that nobody could handle, to be read, sent again or purged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from protea_cli.ages import OlderThan, parse_age
from protea_cli.client import ProteaClient
from protea_cli.options import DEFAULT_URL, ApiKey, Url

__all__ = ["app"]

ADDRESS = "/v1/admin/dead-letters"

Ids: TypeAlias = Annotated[list[int] | None, typer.Argument(help="Ids of letters, from the list.", show_default=False)]
Queue: TypeAlias = Annotated[str | None, typer.Option(help="Only those that died on this queue.")]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", help="Do it; otherwise it is only told what would be done.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the whole as JSON, headers and bodies too.")]

app = typer.Typer(no_args_is_help=True, help="List, send again and purge messages that nobody could handle.")


class State(StrEnum):
    """What became of letters that are listed."""

    OPEN = "open"
    REPLAYED = "replayed"
    PURGED = "purged"
    ALL = "all"


@app.command("list")
def list_letters(
    *,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    state: Annotated[State, typer.Option(help="What became of them.")] = State.OPEN,
    queue: Queue = None,
    older_than: OlderThan = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Letters at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List dead letters, the newest first: where and why they died, and after how many tries."""
    wanted = {"state": state.value, "limit": str(limit), **_texts(_conditions(None, queue, older_than))}
    letters = asyncio.run(_get(url, api_key, wanted))
    _tell(letters, as_json=as_json, draw=_draw_list)


@app.command()
def replay(
    ids: Ids = None,
    *,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    queue: Queue = None,
    older_than: OlderThan = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Letters looked at, the oldest first.")] = 100,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Send dead letters again, each once, as the same event; all open ones unless told which.

    Letters of jobs that have ended are refused: nobody would act on them. The answer says what to do instead.
    """
    wanted = _conditions(ids, queue, older_than) | {"limit": limit, "dry_run": not yes}
    _tell(asyncio.run(_post(url, api_key, "replay", wanted)), as_json=as_json, draw=_draw_replay)


@app.command()
def purge(
    ids: Ids = None,
    *,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    queue: Queue = None,
    older_than: OlderThan = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Erase what dead letters said; that they were there, and why, is kept. Replayed ones go too.

    With --yes it must be told which: ids, --queue or --older-than; all of them are --older-than 0s.
    """
    wanted = _conditions(ids, queue, older_than) | {"dry_run": not yes}
    _tell(asyncio.run(_post(url, api_key, "purge", wanted)), as_json=as_json, draw=_draw_purge)


def _conditions(ids: Sequence[int] | None, queue: str | None, older_than: str | None) -> dict[str, Any]:
    age = None if older_than is None else parse_age(older_than).total_seconds()
    conditions = {"ids": list(ids) if ids else None, "queue": queue, "older_than_seconds": age}
    return {name: value for name, value in conditions.items() if value is not None}


def _texts(parameters: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in parameters.items()}


async def _get(url: str, key: str | None, wanted: Mapping[str, str]) -> Any:
    async with ProteaClient(url, api_key=key) as client:
        return await client.get(ADDRESS, **wanted)


async def _post(url: str, key: str | None, action: str, wanted: Mapping[str, Any]) -> Any:
    async with ProteaClient(url, api_key=key) as client:
        return await client.post(f"{ADDRESS}/{action}", wanted)


def _tell(answer: Any, *, as_json: bool, draw: Callable[[Console, Any], None]) -> None:
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
    else:
        draw(Console(highlight=False), answer)


def _draw_list(console: Console, letters: Sequence[Mapping[str, Any]]) -> None:
    if not letters:
        console.print("There are no such dead letters.")
        return
    table = _table("id", "died", "queue", "type", "job", "tries", "why", "since then")
    for letter in letters:
        died = f"{datetime.fromisoformat(letter['created_at']):%Y-%m-%d %H:%M}"
        why = Text(f"{letter['error_code']}: {letter['reason']}")
        names = (letter["queue"], Text(letter["type"]), letter["subject"] or "")
        table.add_row(str(letter["id"]), died, *names, str(letter["attempts"]), why, _fate(letter))
    console.print(table)


def _draw_replay(console: Console, answer: Mapping[str, Any]) -> None:
    table = _table("id", "queue", "routing key", "event", "job", "what")
    for letter in answer["letters"]:
        what = letter["verdict"] if letter["detail"] is None else f"{letter['verdict']}: {letter['detail']}"
        names = (letter["routing_key"] or "", letter["event_id"] or "", letter["subject"] or "")
        table.add_row(str(letter["id"]), letter["queue"], *names, Text(what))
    if answer["letters"]:
        console.print(table)
    verb = "would be" if answer["dry_run"] else "were"
    console.print(
        f"{answer['sent']} {verb} sent again, {answer['refused']} refused, {answer['remaining']} not looked at."
    )
    _tell_dry_run(console, answer)


def _draw_purge(console: Console, answer: Mapping[str, Any]) -> None:
    verb = "would be" if answer["dry_run"] else "were"
    for queue in answer["queues"]:
        console.print(Text(f"  {queue['queue']}: {queue['letters']}, {queue['replayed']} of them replayed before"))
    console.print(f"{answer['purged']} {verb} purged, {answer['replayed']} of them replayed before.")
    _tell_dry_run(console, answer)


def _tell_dry_run(console: Console, answer: Mapping[str, Any]) -> None:
    if answer["dry_run"]:
        console.print("Nothing was changed; --yes does it.")


def _fate(letter: Mapping[str, Any]) -> str:
    if letter["purged_at"] is not None:
        return "purged"
    return "" if letter["replayed_at"] is None else "replayed"


def _table(*columns: str) -> Table:
    return Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
