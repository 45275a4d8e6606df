"""``protea annotate``: the main job from the shell, a FASTA file in and a table of GO terms out."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from protea_cli.client import ProteaClient
from protea_cli.errors import CommandError, JobEndedError
from protea_cli.following import follow
from protea_cli.invocation import shown_path
from protea_cli.jobs import describe_progress
from protea_cli.options import DEFAULT_URL, ApiKey, Url
from protea_cli.outputs import STANDARD_STREAM, check_output, open_output
from protea_cli.progress import Step, Steps
from protea_cli.states import AnnotationState
from protea_cli.tally import TableTally

__all__ = ["TableFormat", "annotate", "describe_tally", "download_predictions", "follow_annotation"]

LONGEST_NAME: Final = 200
"""Characters of a file's name that name the run; the server refuses very long ones."""


class TableFormat(StrEnum):
    """How predictions are written."""

    TSV = "tsv"
    CAFA = "cafa"


class Alignment(StrEnum):
    """Whether references are found by alignment too; without a word the server does not."""

    OFF = "off"
    AUTO = "auto"
    REQUIRED = "required"


class Method(StrEnum):
    """What speaks for a term; without a word the server takes neighbours."""

    NEIGHBOURS = "neighbours"
    COMPOSITE = "composite"


@dataclass(frozen=True, slots=True)
class Fasta:
    """Proteins to annotate.

    Attributes
    ----------
    name
        What the run is called.
    """

    name: str
    content: bytes


def annotate(
    fasta: Annotated[str, typer.Argument(help="FASTA file of the proteins, plain or gzip; - for standard input.")],
    *,
    output: Annotated[str, typer.Option("--output", "-o", help="File for the table; - for standard output.")],
    url: Url = DEFAULT_URL,
    table_format: Annotated[
        TableFormat, typer.Option("--format", help="tsv has all columns; cafa has protein, term and score.")
    ] = TableFormat.TSV,
    api_key: ApiKey = None,
    method: Annotated[
        Method | None,
        typer.Option(
            help="neighbours is fast; composite weighs aligned proteins, known terms, partners and papers too, is more "
            "accurate, and needs MMseqs2."
        ),
    ] = None,
    neighbours: Annotated[
        int | None, typer.Option("--neighbours", "-k", min=1, max=100, help="Neighbours that each protein is given.")
    ] = None,
    annotation_set: Annotated[
        str | None, typer.Option(help="Id of the annotations to transfer; the newest ones otherwise.")
    ] = None,
    embedding_config: Annotated[str | None, typer.Option(help="Id of the recipe to compare by.")] = None,
    alignment: Annotated[
        Alignment | None,
        typer.Option(help="Whether proteins that MMseqs2 aligns give terms too; auto is where it is installed."),
    ] = None,
) -> None:
    """Predict GO terms for the proteins of a FASTA file."""
    check_output(output)
    chosen = {
        "method": method,
        "limit_per_entry": None if neighbours is None else str(neighbours),
        "annotation_set_id": annotation_set,
        "embedding_config_id": embedding_config,
        "alignment": alignment,
    }
    fields = {name: value for name, value in chosen.items() if value is not None}
    read = _read_fasta(fasta)
    # Standard output may be the table's.
    steps = Steps(Console(stderr=True, markup=False, highlight=False))
    began = time.perf_counter()
    tally = asyncio.run(_annotate(read, fields, steps, output=output, table_format=table_format, url=url, key=api_key))
    seconds = time.perf_counter() - began
    place = "standard output" if output == STANDARD_STREAM else shown_path(Path(output))
    steps.console.print(f"{describe_tally(tally)} in {seconds:.1f} s: {place}", soft_wrap=True)


async def _annotate(
    fasta: Fasta,
    fields: Mapping[str, str],
    steps: Steps,
    *,
    output: str,
    table_format: TableFormat,
    url: str,
    key: str | None,
) -> TableTally:
    async with ProteaClient(url, api_key=key) as client:
        with steps.step(f"Annotating {fasta.name}") as step:
            job_id = await client.annotate(
                fasta.content, filename=fasta.name, fields={"name": fasta.name} | dict(fields)
            )
            try:
                state = await follow_annotation(client, job_id, step)
            except asyncio.CancelledError:
                steps.console.print(f"not waiting any longer; the job goes on: {client.url}/v1/annotate/{job_id}")
                raise
        with steps.step("Downloading the predictions") as step:
            tally = await download_predictions(client, state, output, table_format=table_format, step=step)
            step.tell(describe_tally(tally))
            return tally


async def follow_annotation(client: ProteaClient, job_id: str, step: Step) -> AnnotationState:
    """Watch a run of the main job to its end, with its progress in ``step``; give its final state.

    Raises
    ------
    JobEndedError
        If it fails or is cancelled; says why.
    """
    state = await follow(
        client,
        f"/v1/jobs/{job_id}/stream",
        read=lambda: client.annotation(job_id),
        show=lambda state: _show(step, state),
    )
    if not state.has_succeeded:
        reason = state.error or "no reason was given"
        raise JobEndedError(f"the annotation ended as {state.status}: {reason} (job {job_id})")
    return state


async def download_predictions(
    client: ProteaClient, state: AnnotationState, output: str, *, table_format: TableFormat, step: Step
) -> TableTally:
    """Write the predictions of a finished run to a file, whole or not at all, with the progress in ``step``."""
    path = state.links[f"predictions_{table_format}"]
    if path is None:
        raise JobEndedError(f"the predictions are not there any more (job {state.job_id})")
    tally = TableTally(has_header=table_format is TableFormat.TSV)
    with open_output(output) as file:
        async for piece in client.download(path):
            file.write(piece)
            tally.feed(piece)
            step.show(None, f"{tally.rows:,} terms")
    return tally


def describe_tally(tally: TableTally) -> str:
    """Write what a table holds."""
    return f"{tally.rows:,} terms for {len(tally.keys):,} proteins"


def _read_fasta(fasta: str) -> Fasta:
    if fasta == STANDARD_STREAM:
        return Fasta("standard input", sys.stdin.buffer.read())
    path = Path(fasta)
    try:
        return Fasta(path.name[-LONGEST_NAME:], path.read_bytes())
    except OSError as exc:
        raise CommandError(f"{fasta} cannot be read: {exc.strerror}") from exc


def _show(step: Step, state: AnnotationState) -> None:
    step.show(state.progress.fraction, " ".join(filter(None, (state.stage, describe_progress(state.progress)))))
