"""``protea calibration``: probabilities fitted to the scores of a method, and how far they can be believed."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import typer
from rich import box
from rich.console import Console
from rich.table import Column, Table

from protea_cli.client import ProteaClient
from protea_cli.invocation import command
from protea_cli.jobs import run_job
from protea_cli.options import DEFAULT_URL, ApiKey, Url
from protea_cli.progress import Steps

__all__ = ["app", "draw_calibration", "draw_calibrations"]

app = typer.Typer(no_args_is_help=True, help="Fit, list and show calibrations: what scores are worth as probabilities.")


@app.command("fit")
def fit_calibration(
    predictions: Annotated[UUID, typer.Option(help="Id of the prediction set, made from what was known at t0.")],
    window: Annotated[UUID, typer.Option(help="Id of the evaluation set; its role must be valid.")],
    waiver: Annotated[str | None, typer.Option(help="Why a role that is not known is no matter.")] = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Learn which share of predictions of a score comes true, by aspect and by how much is known."""
    payload = {"evaluation_set_id": str(window), "prediction_set_id": str(predictions), "temporal_waiver": waiver}
    found = asyncio.run(_fit(payload, url=url, key=api_key))
    _print(draw_calibration(found))
    Console(markup=False, highlight=False).print(
        f"Next: predict with calibration_id {found['id']}; {command('calibration list', url=url)}", soft_wrap=True
    )


@app.command("list")
def list_calibrations(url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """List the calibrations, newest first."""
    _print([draw_calibrations(asyncio.run(_get("/v1/calibrations", url=url, key=api_key)))])


@app.command("show")
def show_calibration(
    calibration: Annotated[UUID, typer.Argument(help="Id of the calibration.")],
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Show the errors of a calibration, and its curves."""
    _print(draw_calibration(asyncio.run(_get(f"/v1/calibrations/{calibration}", url=url, key=api_key))))


async def _get(path: str, *, url: str, key: str | None) -> Any:
    async with ProteaClient(url, api_key=key) as client:
        return await client.get(path)


async def _fit(payload: Mapping[str, Any], *, url: str, key: str | None) -> Mapping[str, Any]:
    steps = Steps(Console(markup=False, highlight=False))
    async with ProteaClient(url, api_key=key) as client:
        with steps.step("Fitting the calibration") as step:
            result = await run_job(client, "fit_calibration", payload, step)
        found: Mapping[str, Any] = await client.get(f"/v1/calibrations/{result['calibration_id']}")
        return found


def _print(parts: Sequence[Table] | Iterator[Table]) -> None:
    console = Console(highlight=False)
    for part in parts:
        console.print(part)


def draw_calibrations(calibrations: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out an answer of ``/v1/calibrations``; the error is that on proteins that were not fitted to."""
    table = Table(
        # A shortened id could not be typed again.
        Column("id", no_wrap=True, min_width=36),
        Column("predictions", justify="right"),
        "expected calibration error",
        "fitted",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for each in calibrations:
        errors = ", ".join(f"{_short(aspect)} {_error(m['held_out'])}" for aspect, m in each["metrics"].items())
        table.add_row(str(each["id"]), f"{each['candidate_count']:,}", errors, each["created_at"][:16])
    return table


def draw_calibration(calibration: Mapping[str, Any]) -> Iterator[Table]:
    """Lay out an answer of ``/v1/calibrations/{id}``: the errors, then what scores become."""
    names = ("aspect", "predictions", "true", "error before", "fitted", "held out")
    errors = Table(*names, box=box.SIMPLE_HEAD, pad_edge=False, title=f"Calibration {calibration['id']}")
    for aspect, measured in calibration["metrics"].items():
        counts = (f"{measured['predictions']:,}", f"{measured['true']:,}")
        told = (_error(measured[name]) for name in ("before", "fitted", "held_out"))
        errors.add_row(aspect.replace("_", " "), *counts, *told)
    yield errors
    yield _draw_curves(calibration["curves"])


def _draw_curves(curves: Mapping[str, Mapping[str, Sequence[float]]]) -> Table:
    """Lay out what scores become in each cell."""
    names = ("score", *(cell.upper() for cell in curves))
    table = Table(*names, box=box.SIMPLE_HEAD, pad_edge=False, title="Probability by cell")
    for tenths in range(11):
        score = tenths / 10
        table.add_row(f"{score:.1f}", *(f"{_probability(curve, score):.3f}" for curve in curves.values()))
    return table


def _probability(curve: Mapping[str, Sequence[float]], score: float) -> float:
    """Read a curve: straight between its points, level outside."""
    scores, probabilities = curve["scores"], curve["probabilities"]
    after = bisect_left(scores, score)
    if after == 0 or after == len(scores):
        return probabilities[min(after, len(scores) - 1)]
    before = after - 1
    share = (score - scores[before]) / (scores[after] - scores[before])
    return probabilities[before] + share * (probabilities[after] - probabilities[before])


def _short(aspect: str) -> str:
    return "".join(word[0] for word in aspect.split("_")).upper()


def _error(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
