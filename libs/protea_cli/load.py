"""``protea load``: reference data from files into the platform."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from protea_cli.client import ProteaClient
from protea_cli.counts import describe_counts
from protea_cli.errors import CommandError
from protea_cli.invocation import command
from protea_cli.jobs import run_job, upload
from protea_cli.options import DEFAULT_URL, ApiKey, InputFile, Url
from protea_cli.progress import Steps

__all__ = ["app", "newest_snapshot", "version_of"]

LONGEST_VERSION: Final = 64
"""Characters of a release's name that the platform keeps."""

app = typer.Typer(no_args_is_help=True, help="Load reference data: first an ontology, then proteins, then annotations.")


@app.command("ontology")
def load_ontology(file: InputFile, url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """Load a release of the Gene Ontology from an OBO file, plain or gzip."""
    asyncio.run(_load(file, "load_ontology_snapshot", {}, url=url, key=api_key, then="load proteins PROTEINS.fasta.gz"))


@app.command("proteins")
def load_proteins(file: InputFile, url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """Load proteins from a FASTA file, plain or gzip."""
    asyncio.run(_load(file, "load_proteins", {}, url=url, key=api_key, then="load annotations ANNOTATIONS.gaf.gz"))


@app.command("annotations")
def load_annotations(
    file: InputFile,
    *,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    annotated_before: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Freeze a snapshot: leave out what was annotated on this day or later."
        ),
    ] = None,
    source_version: Annotated[
        str | None, typer.Option(help="Name of the release; the file's name, and the day if frozen, otherwise.")
    ] = None,
    snapshot: Annotated[
        str | None, typer.Option(help="Id of the ontology that explains the terms; the newest one otherwise.")
    ] = None,
) -> None:
    """Load GO annotations from a GAF file, plain or gzip."""
    before = None if annotated_before is None else annotated_before.date()
    payload: dict[str, Any] = {"source_version": source_version or version_of(file, before)}
    if before is not None:
        payload["annotated_before"] = before.isoformat()
    if snapshot is not None:
        payload["ontology_snapshot_id"] = snapshot
    asyncio.run(_load(file, "load_goa_annotations", payload, url=url, key=api_key, then="embed"))


@app.command("interproscan")
def load_interproscan(
    file: InputFile,
    *,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    release: Annotated[
        str | None, typer.Option(help="Release of InterProScan, such as 5.67-99.0; needed where the file lacks it.")
    ] = None,
) -> None:
    """Load what InterProScan found (TSV with -iprlookup), for all proteins and queries with these sequences."""
    payload = {} if release is None else {"ipr_release": release}
    then = "load interpro2go interpro2go"
    asyncio.run(_load(file, "load_interpro_results", payload, url=url, key=api_key, then=then))


@app.command("interpro2go")
def load_interpro2go(
    file: InputFile,
    *,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    source_version: Annotated[str | None, typer.Option(help="Name of the release; the file's name otherwise.")] = None,
    released_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of the release, where the file does not tell it.")
    ] = None,
) -> None:
    """Load which GO terms InterPro entries imply: the file interpro2go of the Gene Ontology."""
    payload = {"source_version": source_version or version_of(file, None)}
    if released_on is not None:
        payload["released_on"] = released_on.date().isoformat()
    asyncio.run(_load(file, "load_interpro_go_mapping", payload, url=url, key=api_key, then="status"))


async def newest_snapshot(client: ProteaClient) -> str:
    """Find the ontology that was loaded last.

    Raises
    ------
    CommandError
        If there is none.
    """
    snapshots = await client.get("/v1/annotations/snapshots")
    if not snapshots:
        raise CommandError("there is no ontology yet: load one first, `protea load ontology go-basic.obo`")
    return str(max(snapshots, key=lambda snapshot: snapshot["loaded_at"])["id"])


async def _load(
    file: Path, operation: str, payload: Mapping[str, Any], *, url: str, key: str | None, then: str
) -> None:
    steps = Steps(Console(markup=False, highlight=False))
    async with ProteaClient(url, api_key=key) as client:
        if operation == "load_goa_annotations" and "ontology_snapshot_id" not in payload:
            payload = dict(payload) | {"ontology_snapshot_id": await newest_snapshot(client)}
        with steps.step(f"Sending {file.name}") as step:
            source = await upload(client, file, step)
        with steps.step(f"Loading {file.name}") as step:
            result = await run_job(client, operation, dict(payload) | {"source_uri": source}, step)
    for line in describe_counts(result):
        steps.console.print(line, soft_wrap=True)
    steps.console.print(f"Next: {command(then, url=url)}", soft_wrap=True)


def version_of(file: Path, before: date | None) -> str:
    """Name a release after its file: ``goa_human.gaf.gz`` frozen is ``goa_human before 2017-01-01``."""
    name = file.name.partition(".")[0] or file.name
    frozen = "" if before is None else f" before {before.isoformat()}"
    return name[: LONGEST_VERSION - len(frozen)] + frozen
