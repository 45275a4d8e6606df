"""``protea encoder``: the encoders that there are, and protein language models made into new ones."""

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
from protea_cli.options import DEFAULT_URL, ApiKey, Url
from protea_cli.progress import Steps
from protea_embedder.adapters.unirep_files import InvalidUniRepArraysError, write_unirep_model
from protea_embedder.domain.model_files import InvalidModelFilesError, choose_model_files
from protea_embedder.domain.unirep import LICENCE as UNIREP_LICENCE

__all__ = ["app", "draw_encoders"]

app = typer.Typer(no_args_is_help=True, help="List encoders, and make one of a protein language model's files.")

Backend = Annotated[str, typer.Option(help="How the model is run: esm, esm3c, t5 (ProtT5, ProstT5), ankh or unirep.")]
Layers = Annotated[list[int], typer.Option("--layer", help="Layer counted from the end, 0 is the last; repeatable.")]


@app.command("list")
def list_encoders(url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """List the encoders with their licences, the newest first."""
    Console(highlight=False).print(draw_encoders(asyncio.run(_configs(url, api_key))))


@app.command("add")
def add(
    folder: Annotated[
        Path | None, typer.Argument(exists=True, file_okay=False, help="Folder with config.json and *.safetensors.")
    ] = None,
    *,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    backend: Backend,
    licence: Annotated[str, typer.Option(help="Licence of the weights; shown to everybody who chooses the encoder.")],
    name: Annotated[str | None, typer.Option(help="Public name of the model; the folder's name otherwise.")] = None,
    server_folder: Annotated[str | None, typer.Option(help="Folder of the server instead, not sent.")] = None,
    hub: Annotated[str | None, typer.Option(help="Name at the model hub instead, if the operator allows it.")] = None,
    layer: Layers = [0],  # noqa: B006 - typer reads it, nobody changes it
    layer_agg: Annotated[str, typer.Option(help="Of several layers: mean or concat.")] = "mean",
    pooling: Annotated[str, typer.Option(help="Residues into one vector: mean, max, cls or mean_max.")] = "mean",
    max_length: Annotated[int, typer.Option(help="What the model sees of a sequence; 0 is all of it.")] = 1022,
    chunk_size: Annotated[int | None, typer.Option(help="A vector for each so many residues.")] = None,
    chunk_overlap: Annotated[int, typer.Option(help="Residues that a chunk shares with the next.")] = 0,
    embedding_scale: Annotated[float, typer.Option(help="Divisor before vectors are stored.")] = 1.0,
) -> None:
    """Send a protein language model's files and make an encoder of them; neither code nor pickles are sent."""
    payload: dict[str, Any] = {
        "model_name": name or hub or (folder.resolve().name if folder else Path(server_folder or "").name),
        "model_backend": backend,
        "licence": licence,
        "layer_indices": layer,
        "layer_agg": layer_agg,
        "pooling": pooling,
        "max_length": max_length,
        "embedding_scale": embedding_scale,
        "use_chunking": chunk_size is not None,
        "chunk_overlap": chunk_overlap,
    } | ({} if chunk_size is None else {"chunk_size": chunk_size})
    given = {"folder": server_folder, "hub_model": hub}
    asyncio.run(_add(folder, payload, {key: value for key, value in given.items() if value}, url=url, key=api_key))


@app.command("unirep")
def convert_unirep(
    source: Annotated[Path, typer.Argument(exists=True, help="Folder of .npy files, or an .npz file, of one model.")],
    target: Annotated[Path, typer.Argument(file_okay=False, help="Folder to write.")],
    *,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help=f"The weights are under {UNIREP_LICENCE}: no commercial use.")
    ] = False,
) -> None:
    """Make a model's folder of UniRep's published arrays, for `protea encoder add`; nothing is unpickled or sent."""
    if not accept_licence:
        raise CommandError(
            f"the published weights of UniRep are under {UNIREP_LICENCE}, which allows no commercial use; read the "
            "terms where you got them, and give --accept-licence if they allow what you do"
        )
    try:
        counts = write_unirep_model(source, target)
    except InvalidUniRepArraysError as exc:
        raise CommandError(str(exc)) from exc
    console = Console(markup=False, highlight=False)
    for line in describe_counts(counts):
        console.print(line, soft_wrap=True)
    then = f"protea encoder add {target} --backend unirep --licence '{UNIREP_LICENCE}' --name unirep-{counts['units']}"
    console.print(f"Next: {then}", soft_wrap=True)


async def _configs(url: str, key: str | None) -> Sequence[Mapping[str, Any]]:
    async with ProteaClient(url, api_key=key) as client:
        found: Sequence[Mapping[str, Any]] = await client.get("/v1/embeddings/configs")
        return found


async def _add(
    folder: Path | None, payload: Mapping[str, Any], source: Mapping[str, str], *, url: str, key: str | None
) -> None:
    if (folder is not None) + len(source) != 1:
        raise CommandError("say where the model is: a FOLDER of this machine, --server-folder or --hub")
    steps = Steps(Console(markup=False, highlight=False))
    paths = [] if folder is None else _model_files(folder)
    async with ProteaClient(url, api_key=key) as client:
        files = {"files": await _send(client, paths, steps)} if paths else {}
        with steps.step("Registering the model") as step:
            result = await run_job(client, "register_encoder", {**payload, **source, **files}, step)
    for line in describe_counts(result):
        steps.console.print(line, soft_wrap=True)
    then = command(f"embed --embedding-config {result['embedding_config_id']}", url=url)
    steps.console.print(f"Next: {then}", soft_wrap=True)


def _model_files(folder: Path) -> list[Path]:
    try:
        names = choose_model_files(entry.name for entry in folder.iterdir() if entry.is_file())
    except InvalidModelFilesError as exc:
        raise CommandError(f"{folder}: {exc}") from exc
    return [folder / name for name in names]


async def _send(client: ProteaClient, paths: Sequence[Path], steps: Steps) -> dict[str, str]:
    """Upload files; give what each is called now, by its name."""
    sent = {}
    for path in paths:
        with steps.step(f"Sending {path.name}") as step:
            sent[path.name] = await upload(client, path, step)
    return sent


def draw_encoders(configs: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out an answer of ``/v1/embeddings/configs``."""
    # A shortened id could not be typed again.
    table = Table(
        Column("id", no_wrap=True, min_width=36),
        "name",
        "backend",
        "dimension",
        "parameters",
        "licence",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for config in configs:
        table.add_row(
            str(config["id"]),
            Text(config["display_name"] or config["model_name"]),
            config["model_backend"],
            _number(config["dimension"]),
            _number(config["param_count"]),
            Text(config["licence"] or "not stated"),
        )
    return table


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
