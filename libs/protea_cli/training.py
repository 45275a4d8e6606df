"""``protea reranker train``: a dataset of windows, and a booster that is trained on it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich.console import Console

from protea_cli.benchmark.lines import LinedDocument
from protea_cli.client import ProteaClient
from protea_cli.counts import describe_counts
from protea_cli.embed import only_config
from protea_cli.errors import CommandError
from protea_cli.invocation import command
from protea_cli.options import DEFAULT_URL, ApiKey, Url
from protea_cli.progress import Steps
from protea_cli.tasks import Task, TaskRunner
from protea_common.operations import ExportResearchDataset, OperationPayload, TrainReranker

__all__ = ["train_reranker"]

_PARTS: Final[Mapping[str, type[OperationPayload]]] = {"dataset": ExportResearchDataset, "training": TrainReranker}
"""Parts of a file of parameters."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    name: str
    cell: str
    windows: tuple[UUID, ...]
    select: UUID | None
    dataset: UUID | None
    encoder: UUID | None
    parameters: Mapping[str, Mapping[str, Any]]


def train_reranker(
    name: Annotated[str, typer.Argument(help="Name of the re-ranker, and of its dataset.")],
    *,
    cell: Annotated[str, typer.Option(help="What it is for: nk, lk or pk, or with an aspect, pk-bpo.")],
    window: Annotated[
        list[UUID] | None, typer.Option(help="Id of an evaluation set to learn from; several, earliest first.")
    ] = None,
    select: Annotated[UUID | None, typer.Option(help="Id of the evaluation set to stop by; its role is valid.")] = None,
    dataset: Annotated[UUID | None, typer.Option(help="Id of a dataset, in place of windows.")] = None,
    embedding_config: Annotated[
        UUID | None, typer.Option(help="Id of the recipe; needed when there are several.")
    ] = None,
    parameters: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="YAML: under `dataset` and `training`, parameters of the two."),
    ] = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Freeze candidates of windows with their labels, and train a booster on them; what is there is used again."""
    if (dataset is None) == (not window) or (dataset is None) != (select is not None):
        raise CommandError("give either --dataset, or --window (once or more) with --select")
    given = {} if parameters is None else _read_parameters(parameters)
    wanted = _Wanted(name, cell, tuple(window or ()), select, dataset, embedding_config, given)
    asyncio.run(_train(wanted, url=url, key=api_key))


def _read_parameters(path: Path) -> Mapping[str, Mapping[str, Any]]:
    document = LinedDocument.read(path)
    for part, values in document.content.items():
        if part not in _PARTS:
            document.refuse((part,), f"there is no {part} here; there are {' and '.join(_PARTS)}")
        if not isinstance(values, dict):
            document.refuse((part,), f"{part} holds parameters, as `name: value`")
        for field in values:
            if field not in _PARTS[part].model_fields:
                document.refuse((part, field), f"there is no {field} here; remove it or correct its spelling")
    return document.content


async def _train(wanted: _Wanted, *, url: str, key: str | None) -> None:
    steps = Steps(Console(markup=False, highlight=False))
    async with ProteaClient(url, api_key=key) as client:
        runner = TaskRunner(client, steps)
        dataset = str(wanted.dataset) if wanted.dataset is not None else await _export(runner, wanted)
        category, _, aspect = wanted.cell.partition("-")
        payload = {
            **wanted.parameters.get("training", {}),
            "name": wanted.name,
            "dataset_id": dataset,
            "category": category,
            "aspect": aspect or None,
        }
        done = await runner.do(Task(f"Training the booster {wanted.name}", "train_reranker", payload))
    for line in describe_counts({"dataset id": dataset, **done.result}):
        steps.console.print(line, soft_wrap=True)
    steps.console.print(f"Next: {command('reranker list', url=url)}", soft_wrap=True)


async def _export(runner: TaskRunner, wanted: _Wanted) -> str:
    """Make the dataset, in the ontology of the window to stop by; give its id."""
    client = runner.client
    selection = await client.get(f"/v1/annotations/evaluation-sets/{wanted.select}")
    config = wanted.encoder or await only_config(client)
    if config is None:
        raise CommandError("no protein is embedded yet: `protea embed`")
    payload = {
        **wanted.parameters.get("dataset", {}),
        "output_name": wanted.name,
        "train_evaluation_set_ids": wanted.windows,
        "selection_evaluation_set_id": wanted.select,
        "embedding_config_id": config,
        "ontology_snapshot_id": selection["pivot_snapshot_id"],
    }
    task = Task(f"Freezing the dataset {wanted.name}", "export_research_dataset", payload)
    return str((await runner.do(task)).result["dataset_id"])
