"""``protea up``: the whole platform on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from protea_cli.client import ProteaClient
from protea_cli.invocation import command, shown_path
from protea_cli.options import DEFAULT_HOME, DEFAULT_PORT, HomeFolder
from protea_cli.progress import Steps
from protea_cli.signals import ended_by_signals

if TYPE_CHECKING:
    from protea_standalone.edition import LaptopEdition

__all__ = ["up"]


def up(
    home: HomeFolder = DEFAULT_HOME,
    port: Annotated[int, typer.Option(min=1, max=65_535, help="TCP port to listen on.")] = DEFAULT_PORT,
) -> None:
    """Run the whole platform on this machine until Ctrl-C; the data stay for the next time."""
    asyncio.run(_serve(home, port, Steps(Console(markup=False, highlight=False))))


async def _serve(home: Path, port: int, steps: Steps) -> None:
    # The edition needs the extra `standalone`; the commands that only talk to a server do without.
    from protea_standalone.edition import open_laptop_edition

    with ended_by_signals():
        async with AsyncExitStack() as stack:
            with steps.step("Starting PROTEA") as step:
                edition = await stack.enter_async_context(open_laptop_edition(home, port=port))
                step.tell(edition.url)
            for line in await _introduction(edition):
                steps.console.print(line, soft_wrap=True)
            try:
                await asyncio.Event().wait()
            finally:
                steps.console.print("Stopping: what runs may end, the rest goes on at the next start.")
    steps.console.print("PROTEA has stopped.")


async def _introduction(edition: LaptopEdition) -> list[str]:
    """Say what runs, where its data are, and what to type next."""
    async with ProteaClient(edition.url) as client:
        has_annotations = bool(await client.get("/v1/annotations/sets"))
    next_step = "annotate PROTEINS.fasta -o predictions.tsv" if has_annotations else "load ontology go-basic.obo"
    home = edition.home
    return [
        f"  address    {edition.url}   (API: {edition.url}/docs)",
        f"  services   {', '.join(name.removeprefix('protea-') for name in edition.services)}",
        f"  database   PostgreSQL in {shown_path(edition.database_folder)}",
        f"  artifacts  {shown_path(home.artifacts)}",
        f"  log        {shown_path(home.log_file)}",
        f"Next, in another shell: {command(next_step, url=edition.url)}",
        "Ctrl-C stops PROTEA; the data stay.",
    ]
