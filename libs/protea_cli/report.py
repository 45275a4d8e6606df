"""``protea report``: a measured result as one HTML file."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console

from protea_cli.client import ProteaClient
from protea_cli.jobs import run_job
from protea_cli.options import DEFAULT_URL, ApiKey, Url
from protea_cli.outputs import check_output, open_output
from protea_cli.progress import Steps

__all__ = ["report"]


def report(
    result: Annotated[UUID, typer.Argument(help="Id of the evaluation result.")],
    output: Annotated[
        str, typer.Option("--output", "-o", help="File to write; - for standard output.")
    ] = "report.html",
    title: Annotated[str, typer.Option(help="Heading of the report.")] = "Evaluation report",
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Write a measured result as one HTML file: figures, curves, calibration and strata."""
    check_output(output)
    asyncio.run(_report(result, output, title, url=url, key=api_key))


async def _report(result: UUID, output: str, title: str, *, url: str, key: str | None) -> None:
    steps = Steps(Console(markup=False, highlight=False, stderr=True))
    async with ProteaClient(url, api_key=key) as client:
        with steps.step("Writing the report") as step:
            payload = {"evaluation_result_id": str(result), "title": title}
            done = await run_job(client, "write_evaluation_report", payload, step)
        path = f"/v1/annotations/evaluation-sets/{done['evaluation_set_id']}/results/{result}/report.html"
        with open_output(output) as file:
            async for piece in client.download(path):
                file.write(piece)
