"""``protea embeddings``: vectors as files, out of PROTEA and into it."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console

from protea_cli.client import ProteaClient
from protea_cli.counts import describe_counts
from protea_cli.invocation import command
from protea_cli.jobs import run_job, run_job_named, upload
from protea_cli.options import DEFAULT_URL, ApiKey, InputFile, Url
from protea_cli.outputs import check_output, open_output
from protea_cli.progress import Steps

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Export vectors as HDF5 or Parquet; import vectors that others computed.")


class FileFormat(StrEnum):
    """Formats of an export."""

    HDF5 = "hdf5"
    PARQUET = "parquet"


@app.command("export")
def export(
    embedding_config: Annotated[str, typer.Option(help="Id of the recipe; `protea encoder list` shows them.")],
    output: Annotated[str, typer.Option("--output", "-o", help="File to write.")],
    *,
    file_format: Annotated[
        FileFormat, typer.Option("--format", help="hdf5: a dataset for each accession; parquet: a row for each vector.")
    ] = FileFormat.HDF5,
    query_set: Annotated[str | None, typer.Option(help="Id of a query set; all proteins otherwise.")] = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Write the vectors of a recipe to a file."""
    check_output(output)
    payload: dict[str, Any] = {"embedding_config_id": embedding_config, "file_format": file_format.value}
    if query_set is not None:
        payload["query_set_id"] = query_set
    asyncio.run(_fetch("export_embeddings", payload, output, url=url, key=api_key))


@app.command("residues")
def residues(
    accessions: Annotated[list[str], typer.Argument(help="Proteins, at most 500 and 200,000 residues together.")],
    embedding_config: Annotated[str, typer.Option(help="Id of a language model's recipe.")],
    output: Annotated[str, typer.Option("--output", "-o", help="HDF5 file to write.")],
    *,
    query_set: Annotated[str | None, typer.Option(help="Accessions are those of this query set.")] = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Compute a vector for every residue of some proteins, a dataset for each accession."""
    check_output(output)
    payload: dict[str, Any] = {"embedding_config_id": embedding_config, "accessions": accessions}
    if query_set is not None:
        payload["query_set_id"] = query_set
    asyncio.run(_fetch("embed_residues", payload, output, url=url, key=api_key))


@app.command("import")
def import_vectors(
    file: InputFile,
    *,
    model: Annotated[str, typer.Option(help="Model that made the vectors.")],
    licence: Annotated[str, typer.Option(help="Licence of the vectors or of their model; shown to those who choose.")],
    query_set: Annotated[str | None, typer.Option(help="Accessions are those of this query set.")] = None,
    keep_length: Annotated[bool, typer.Option(help="Do not scale the vectors to unit length.")] = False,
    embedding_scale: Annotated[float, typer.Option(help="Divisor before vectors are stored.")] = 1.0,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Take the vectors of an HDF5 file, a dataset for each accession, as those of a new recipe."""
    payload: dict[str, Any] = {
        "model_name": model,
        "licence": licence,
        "normalize": not keep_length,
        "embedding_scale": embedding_scale,
    }
    if query_set is not None:
        payload["query_set_id"] = query_set
    asyncio.run(_import(file, payload, url=url, key=api_key))


async def _fetch(operation: str, payload: dict[str, Any], output: str, *, url: str, key: str | None) -> None:
    """Do a job that makes a file, and fetch the file."""
    # What is told goes beside the file, which may be the standard output.
    steps = Steps(Console(stderr=True, markup=False, highlight=False))
    async with ProteaClient(url, api_key=key) as client:
        with steps.step("Collecting the vectors") as step:
            job_id, result = await run_job_named(client, operation, payload, step)
        with steps.step("Receiving the file") as step, open_output(output) as file:
            received = 0
            async for piece in client.download(f"/v1/jobs/{job_id}/file"):
                file.write(piece)
                received += len(piece)
                step.show(received / max(int(result["bytes"]), 1))
    for line in describe_counts({name: value for name, value in result.items() if name != "artifact"}):
        steps.console.print(line, soft_wrap=True)


async def _import(file: InputFile, payload: dict[str, Any], *, url: str, key: str | None) -> None:
    steps = Steps(Console(markup=False, highlight=False))
    async with ProteaClient(url, api_key=key) as client:
        with steps.step(f"Sending {file.name}") as step:
            source = await upload(client, file, step)
        with steps.step("Taking the vectors") as step:
            result = await run_job(client, "import_embeddings", payload | {"source_uri": source}, step)
    for line in describe_counts(result):
        steps.console.print(line, soft_wrap=True)
    then = command("encoder list", url=url)
    steps.console.print(f"Next: {then}", soft_wrap=True)
