"""``protea compare``: how much better one measured result is than another, cell by cell."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich import box
from rich.console import Console, RenderableType
from rich.table import Column, Table
from rich.text import Text

from protea_cli.benchmark.plan import ASPECTS, CATEGORIES
from protea_cli.client import ProteaClient
from protea_cli.consoles import table_console
from protea_cli.jobs import run_job
from protea_cli.options import DEFAULT_URL, ApiKey, Url
from protea_cli.progress import Steps

__all__ = ["compare", "draw_comparison"]

_PLAIN_WIDTH: Final = 120
"""Columns of a table in a file, which has no width of its own."""

_READING: Final = (
    "Difference above 0: the first is better. In brackets: where it lies, by paired bootstrap over proteins. "
    "Detectable: the least difference that such numbers of proteins would show."
)


def compare(
    result: Annotated[UUID, typer.Argument(help="Id of the evaluation result that is hoped to be better.")],
    baseline: Annotated[UUID, typer.Argument(help="Id of the one that it is compared with, measured in one frame.")],
    *,
    weighted: Annotated[
        bool, typer.Option("--weighted", help="By information accretion; terms alike otherwise.")
    ] = False,
    effect: Annotated[
        float | None, typer.Option(help="Least difference that would matter: without it none is read as 'the same'.")
    ] = None,
    resamples: Annotated[int, typer.Option(help="Samples of the proteins.")] = 2_000,
    seed: Annotated[int, typer.Option(help="Of the samples.")] = 0,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Compare two results on the same proteins; results of different frames are refused."""
    payload = {
        "evaluation_result_id": str(result),
        "baseline_evaluation_result_id": str(baseline),
        "weighting": "weighted" if weighted else "unweighted",
        "effect_of_interest": effect,
        "n_resamples": resamples,
        "seed": seed,
    }
    found = asyncio.run(_compare(payload, url=url, key=api_key))
    console = table_console(plain_width=_PLAIN_WIDTH)
    for part in draw_comparison(found):
        console.print(part, soft_wrap=isinstance(part, Text))


async def _compare(payload: Mapping[str, Any], *, url: str, key: str | None) -> Mapping[str, Any]:
    steps = Steps(Console(markup=False, highlight=False, stderr=True))
    async with ProteaClient(url, api_key=key) as client:
        with steps.step("Comparing the results") as step:
            return await run_job(client, "compare_evaluations", payload, step)


def draw_comparison(found: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Lay out what ``compare_evaluations`` found: the frame, the cells, and how to read them."""
    yield Text(f"{found['measure']} in the frame {found['frame']['name']} ({found['frame']['digest']})")
    names = ("difference", f"{found['confidence']:.0%}", "detectable")
    table = Table(
        Column("cell", no_wrap=True),
        *(Column(name, justify="right", no_wrap=True) for name in ("proteins", *names)),
        "verdict",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for category, aspect in product(CATEGORIES, ASPECTS):
        cell = found["cells"].get(category, {}).get(aspect)
        if cell is not None:
            table.add_row(f"{category} {aspect}", *_figures(cell))
    yield table
    yield Text(_READING)


def _figures(cell: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"{cell['n_proteins']:,}{' few' if cell['is_small'] else ''}",
        f"{cell['difference']:+.3f}",
        f"{cell['low']:+.3f} to {cell['high']:+.3f}",
        f"{cell['minimum_detectable_effect']:.3f}",
        cell["verdict"],
    )
