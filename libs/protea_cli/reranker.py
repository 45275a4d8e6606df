"""``protea reranker``: re-rankers, trained here or elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from protea_cli.client import ProteaClient
from protea_cli.counts import describe_counts
from protea_cli.errors import CommandError
from protea_cli.invocation import command
from protea_cli.jobs import run_job, upload
from protea_cli.options import DEFAULT_URL, ApiKey, InputFile, Url
from protea_cli.progress import Steps
from protea_cli.training import train_reranker

__all__ = ["app", "draw_rerankers"]

app = typer.Typer(no_args_is_help=True, help="Train re-rankers, list them, take in one that was trained elsewhere.")

app.command("train")(train_reranker)

Companion = Annotated[Path | None, typer.Option(exists=True, dir_okay=False)]


@app.command("list")
def list_rerankers(url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """List the re-rankers by name."""
    Console(highlight=False).print(draw_rerankers(asyncio.run(_rerankers(url, api_key))))


@app.command("import")
def import_reranker(
    model: InputFile,
    *,
    name: Annotated[str, typer.Option(help="Name of the re-ranker.")],
    cell: Annotated[str, typer.Option(help="What it is for: nk, lk or pk, or with an aspect, pk-bpo.")] = "pk",
    spec: Companion = None,
    run: Companion = None,
    sha256: Annotated[str | None, typer.Option(help="Digest that the file must have.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Id of the dataset that it was trained on.")] = None,
    select: Annotated[
        str | None, typer.Option(help="Id of the evaluation set that it was selected on; its role is valid.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Where it comes from.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a re-ranker of this name.")] = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Send a booster in LightGBM's text format; neither code nor pickles are read."""
    category, _, aspect = cell.partition("-")
    given = {
        "name": name,
        "category": category,
        "aspect": aspect or None,
        "spec_yaml": _text(spec),
        "run_json": _text(run),
        "sha256": sha256,
        "dataset_id": dataset,
        "evaluation_set_id": select,
        "external_source": source,
        "force": force,
    }
    payload = {field: value for field, value in given.items() if value is not None}
    asyncio.run(_import(model, payload, url=url, key=api_key))


def _text(path: Path | None) -> str | None:
    try:
        return None if path is None else path.read_text()
    except (OSError, UnicodeDecodeError) as exc:
        raise CommandError(f"{path} cannot be read as text: {exc}") from exc


async def _rerankers(url: str, key: str | None) -> Sequence[Mapping[str, Any]]:
    async with ProteaClient(url, api_key=key) as client:
        found: Sequence[Mapping[str, Any]] = await client.get("/v1/reranker-models")
        return found


async def _import(model: Path, payload: Mapping[str, Any], *, url: str, key: str | None) -> None:
    steps = Steps(Console(markup=False, highlight=False))
    async with ProteaClient(url, api_key=key) as client:
        with steps.step(f"Sending {model.name}") as step:
            source_uri = await upload(client, model, step)
        with steps.step("Checking the booster") as step:
            result = await run_job(client, "import_reranker", {**payload, "source_uri": source_uri}, step)
    for line in describe_counts(result):
        steps.console.print(line, soft_wrap=True)
    steps.console.print(f"Next: {command('reranker list', url=url)}", soft_wrap=True)


def draw_rerankers(rerankers: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out an answer of ``/v1/reranker-models``."""
    # A shortened id could not be typed again.
    table = Table(
        Column("id", no_wrap=True, min_width=36),
        "name",
        "cell",
        "Fmax when selected",
        "from",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for reranker in rerankers:
        cell = "-".join(part for part in (reranker["category"], reranker["aspect"]) if part)
        table.add_row(str(reranker["id"]), Text(reranker["name"]), cell, _fmax(reranker["metrics"]), _origin(reranker))
    return table


def _fmax(metrics: Mapping[str, Any]) -> str:
    cells: Mapping[str, Any] = metrics.get("selection_cells", {})
    return " ".join(f"{name} {cell['fmax']:.3f}" for name, cell in cells.items())


def _origin(reranker: Mapping[str, Any]) -> Text:
    return Text(reranker["external_source"] or ("trained here" if reranker["producer_version"] else "elsewhere"))
