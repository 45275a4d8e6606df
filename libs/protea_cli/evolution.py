"""``protea evolution``: what came and went between two annotation sets, and whose dates say little."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich import box
from rich.console import Console, RenderableType
from rich.table import Column, Table
from rich.text import Text

from protea_cli.client import ProteaClient
from protea_cli.consoles import table_console
from protea_cli.jobs import run_job
from protea_cli.options import DEFAULT_URL, ApiKey, Url
from protea_cli.progress import Steps

__all__ = ["draw_evolution", "evolution"]

_PLAIN_WIDTH: Final = 120
"""Columns of a table in a file, which has no width of its own."""

_MOST_SOURCES: Final = 20
"""Shown of the sources, that of most annotations first, and all that are marked."""

_ASPECTS: Final = {"F": "MFO", "P": "BPO", "C": "CCO"}

_READING: Final = (
    "! Most bear one day: that of a file or of an import, not of their making. A window that is cut by date has all of "
    "them on one side, whenever they became known."
)


def evolution(
    old: Annotated[UUID, typer.Argument(help="Id of the earlier annotation set.")],
    new: Annotated[UUID, typer.Argument(help="Id of the later one.")],
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Tell what came and went between two annotation sets, and which sources' dates say little."""
    found = asyncio.run(_analyze(old, new, url=url, key=api_key))
    console = table_console(plain_width=_PLAIN_WIDTH)
    for part in draw_evolution(found):
        console.print(part, soft_wrap=isinstance(part, Text))


async def _analyze(old: UUID, new: UUID, *, url: str, key: str | None) -> Mapping[str, Any]:
    steps = Steps(Console(markup=False, highlight=False, stderr=True))
    payload = {"old_annotation_set_id": str(old), "new_annotation_set_id": str(new)}
    async with ProteaClient(url, api_key=key) as client:
        with steps.step("Comparing the annotations") as step:
            return await run_job(client, "analyze_annotation_evolution", payload, step)


def draw_evolution(found: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Lay out what ``analyze_annotation_evolution`` found: changes, then the dates of what came, by source."""
    yield _changes(found)
    yield _sources(found)
    if any(each["is_doubtful"] for each in found["sources"]):
        yield Text(_READING)


def _changes(found: Mapping[str, Any]) -> Table:
    table = _table("Annotations", "aspect", "evidence", numbers=("kept", "gained", "of these NOT", "lost"))
    for each in found["changes"]:
        counts = (f"{each[name]:,}" for name in ("kept", "gained", "denials", "lost"))
        table.add_row(_ASPECTS.get(each["aspect"], each["aspect"]), each["evidence"], *counts)
    return table


def _sources(found: Mapping[str, Any]) -> Table:
    names = ("gained", "undated", "days", "first day", "last day", "commonest day", "share")
    table = _table("Dates of what was gained", "source", "evidence", numbers=names)
    for number, each in enumerate(found["sources"]):
        if number < _MOST_SOURCES or each["is_doubtful"]:
            counts = (f"{each[name]:,}" for name in ("gained", "undated", "days"))
            days = (_day(each[name]) for name in ("first_day", "last_day", "commonest_day"))
            share = f"{each['on_commonest_day'] / each['gained']:.0%}{' !' if each['is_doubtful'] else ''}"
            table.add_row(each["source"] or "-", each["evidence"], *counts, *days, share)
    return table


def _table(title: str, *names: str, numbers: tuple[str, ...]) -> Table:
    columns = (Column(name, justify="right", no_wrap=True) for name in numbers)
    return Table(*names, *columns, title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


def _day(day: str) -> str:
    """Write a day of a GAF, ``YYYYMMDD``, as people do."""
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if day else "-"
