"""``protea demo``: the command, and the page that it ends with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import RenderableType
from rich.text import Text

from protea_cli.client import ProteaClient
from protea_cli.consoles import table_console
from protea_cli.demo.data import DEFAULT_DATA, DemoData
from protea_cli.invocation import command, shown_path
from protea_cli.progress import Steps
from protea_cli.signals import ended_by_signals

if TYPE_CHECKING:
    from protea_cli.demo.run import DemoOutcome

__all__ = ["demo"]

DEMO_HOME: Final = Path(".protea/demo")
"""Beside the data of `protea up`, which the demo never touches."""

INTERRUPTED: Final = 130
"""Exit code of a command that Ctrl-C ended, as shells have it."""

PLAIN_WIDTH: Final = 110
"""Columns of a table in a file, which has no width of its own."""


def demo(
    home: Annotated[Path, typer.Option(file_okay=False, help="Folder of the demo's database and results.")] = DEMO_HOME,
    data: Annotated[Path, typer.Option(file_okay=False, help="Folder of the demo's data.")] = DEFAULT_DATA,
    keep: Annotated[
        bool, typer.Option("--keep", help="Go on with the data of the last run instead of starting afresh.")
    ] = False,
) -> None:
    """Predict what proteins of the fly do from what was known in 2016, and measure it by what was learned since."""
    files = DemoData.find(data)
    console = table_console(plain_width=PLAIN_WIDTH)
    began = time.perf_counter()
    console.print(_preparation(home, keep=keep), soft_wrap=True)
    outcome = asyncio.run(_demo(home, files, Steps(console)))
    if outcome is None:
        console.print("The demo was stopped.")
        raise typer.Exit(INTERRUPTED)
    for part in _page(outcome, home, seconds=time.perf_counter() - began):
        console.print(part, soft_wrap=isinstance(part, Text))


async def _demo(home: Path, files: DemoData, steps: Steps) -> DemoOutcome | None:
    """Run the demo; give nothing if a signal ended it."""
    # They need the extra `standalone`; the commands that only talk to a server do without.
    from protea_cli.demo.run import run_demo
    from protea_standalone.edition import free_port, open_laptop_edition

    outcome: DemoOutcome | None = None
    with ended_by_signals():
        async with AsyncExitStack() as stack:
            with steps.step("Starting the platform") as step:
                edition = await stack.enter_async_context(open_laptop_edition(home, port=free_port()))
                step.tell(f"PostgreSQL and {len(edition.services)} services at {edition.url}")
            client = await stack.enter_async_context(ProteaClient(edition.url))
            outcome = await run_demo(client, files, home, steps)
    return outcome


def _preparation(home: Path, *, keep: bool) -> str:
    """Make the folder ready, and say what that meant."""
    from protea_cli.demo.folder import begin_afresh, claim_folder

    was_used = claim_folder(home)
    place = shown_path(home)
    if not was_used:
        return f"Everything of this demo goes into {place}."
    if keep:
        return f"Going on with the data of the last run in {place}."
    begin_afresh(home)
    return f"Starting afresh in {place}: the last run's data there were deleted (--keep goes on with them)."


def _page(outcome: DemoOutcome, home: Path, *, seconds: float) -> Iterator[RenderableType]:
    from protea_cli.demo.run import FREEZE, RELEASE
    from protea_cli.demo.tables import FEW, SMALLEST_COHORT, evaluation_table, highlights_table

    yield Text(f"\nThe most telling predictions, made from what was known before {FREEZE}")
    yield highlights_table(outcome.highlights, outcome.proteins, learned=outcome.learned)
    yield Text(
        "Of aspects in which nothing was known about the protein; chosen by score and rarity, one protein per term.\n"
        f"learned later: by {RELEASE} an experiment had shown this term, or one below it. A blank need not be wrong:\n"
        "perhaps nobody has looked."
    )
    yield Text("\nAll predictions, measured the CAFA way by what experiments showed later")
    yield evaluation_table(outcome.results)
    yield Text(f"{FEW}: fewer than {SMALLEST_COHORT} proteins, an indication only.")
    yield Text(f"\nPredictions: {shown_path(outcome.predictions)}")
    yield Text(f"All of it took {seconds:.1f} s.")
    yield Text(f"\nNext: {command(f'up --home {shown_path(home)}')}")
    yield Text(f"then, in another shell: {command(f'annotate {shown_path(outcome.queries)} -o predictions.tsv')}")
