"""``protea benchmark``: run what a file says, and show what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from protea_cli.benchmark.drawing import draw_benchmark, draw_experiments
from protea_cli.benchmark.experiment import Experiment, find_experiment, list_experiments
from protea_cli.benchmark.lines import LinedDocument
from protea_cli.benchmark.loading import Loader
from protea_cli.benchmark.matrix import Matrix
from protea_cli.benchmark.plan import Plan
from protea_cli.benchmark.points import points_of
from protea_cli.benchmark.provenance import provenance_of
from protea_cli.benchmark.reading import read_plan
from protea_cli.benchmark.rows import Row, table_text
from protea_cli.client import ProteaClient
from protea_cli.consoles import table_console
from protea_cli.errors import CommandError
from protea_cli.invocation import command, shown_path
from protea_cli.options import DEFAULT_URL, ApiKey, InputFile, Url
from protea_cli.outputs import check_output, open_output
from protea_cli.progress import Steps
from protea_cli.tasks import TaskRunner

__all__ = ["app"]

PLAIN_WIDTH = 160
"""Columns of a table in a file, which has no width of its own."""

app = typer.Typer(no_args_is_help=True, help="Measure methods on windows of time, in one frame, with provenance.")

Output = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", help="File for the figures (TSV); beside the benchmark file, named after it, otherwise."
    ),
]


@app.command("run")
def run_benchmark(
    file: InputFile,
    *,
    output: Output = None,
    measure_again: Annotated[
        bool, typer.Option("--measure-again", help="Measure and compare also what was measured before.")
    ] = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Predict, measure and compare as a file says; what is there already is not done again."""
    plan, document = read_plan(file)
    target = output or str(file.with_suffix(".tsv"))
    check_output(target)
    rows = asyncio.run(_run(plan, document, measure_again=measure_again, url=url, key=api_key))
    with open_output(target) as table:
        table.write(table_text(rows))
    console = table_console(plain_width=PLAIN_WIDTH)
    _draw(console, rows, plan.model_dump(mode="json", by_alias=True))
    console.print(f"\nFigures: {shown_path(Path(target))}", soft_wrap=True)
    console.print(f"Next: {command(f'benchmark show {plan.name}', url=url)}", soft_wrap=True)


@app.command("show")
def show_benchmark(
    name: Annotated[str, typer.Argument(help="Name of the benchmark, as its file says.")],
    *,
    output: Annotated[str | None, typer.Option("--output", "-o", help="Write the figures to this file (TSV).")] = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Show what came of a benchmark, and what it was made from."""
    if output is not None:
        check_output(output)
    found = asyncio.run(_find(name, url=url, key=api_key))
    rows = [Row.read(row) for row in found["provenance"].get("rows", [])]
    if output is not None:
        with open_output(output) as table:
            table.write(table_text(rows))
    console = table_console(plain_width=PLAIN_WIDTH)
    for line in _introduction(found):
        console.print(line, soft_wrap=True)
    _draw(console, rows, found["config"])


@app.command("list")
def list_benchmarks(url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """List benchmarks and the points that they measured, newest first."""
    table_console(plain_width=PLAIN_WIDTH).print(draw_experiments(asyncio.run(_list(url=url, key=api_key))))


async def _run(plan: Plan, document: LinedDocument, *, measure_again: bool, url: str, key: str | None) -> Sequence[Row]:
    steps = Steps(Console(markup=False, highlight=False))
    afresh = frozenset({"run_cafa_evaluation", "compare_evaluations"} if measure_again else ())
    async with ProteaClient(url, api_key=key) as client:
        runner = TaskRunner(client, steps, afresh)
        experiment = await Experiment.begin(client, plan)
        loader = Loader(runner, document.path.parent)
        loaded = await loader.load(plan)
        matrix = Matrix(plan, loaded, runner)
        windows = await matrix.find_learned()
        measured = await matrix.compare(await matrix.measure(windows, await matrix.predict(windows)))
        rows = matrix.rows(measured)
        points = points_of(plan, loaded=loaded, digests=loader.digests, measured=measured, rows=rows)
        await experiment.keep_points(points)
        await experiment.end(
            provenance_of(
                plan,
                document,
                loaded=loaded,
                digests=loader.digests,
                windows=windows,
                measured=measured,
                rows=rows,
            )
        )
    there = sum(done.was_there for done in runner.done)
    steps.console.print(f"{len(runner.done)} jobs, {there} of them there already.")
    return rows


async def _list(*, url: str, key: str | None) -> Sequence[Mapping[str, Any]]:
    async with ProteaClient(url, api_key=key) as client:
        return await list_experiments(client)


async def _find(name: str, *, url: str, key: str | None) -> Mapping[str, Any]:
    async with ProteaClient(url, api_key=key) as client:
        found = await find_experiment(client, name)
    if found is None:
        raise CommandError(f"there is no benchmark {name}; `protea benchmark run FILE` makes one")
    return found


def _introduction(found: Mapping[str, Any]) -> list[str]:
    """Say what a run is, and the digests of what it was made from."""
    provenance = found["provenance"]
    lines = [f"{found['name']}: {found['status']}, begun {found['created_at']}"]
    lines += [found[part] for part in ("description", "hypothesis") if found[part]]
    if "ontology" in provenance:
        ontology = provenance["ontology"]
        lines.append(f"  ontology {ontology['obo_version']}, sha256 {ontology['obo_sha256']}")
        lines += [
            f"  annotations {name}: {each['source_version']}, sha256 {each['content_sha256']}"
            for name, each in provenance["annotations"].items()
        ]
        lines += [
            f"  encoder {name}: {each['model_name']}, weights {each['weights_digest']}"
            for name, each in provenance["encoders"].items()
        ]
    frames = {each["window"]: each["evaluator"]["frame"] for each in provenance.get("cells", [])}
    return lines + [f"  frame of {window}: {frame['name']} ({frame['digest']})" for window, frame in frames.items()]


def _draw(console: Console, rows: Sequence[Row], config: Mapping[str, Any]) -> None:
    roles = {name: window["role"] for name, window in config["windows"].items()}
    compare, chosen = config.get("compare"), config.get("choose")
    baseline = None if compare is None else compare["baseline"]
    chosen_on = None if chosen is None else (chosen["window"], chosen.get("measure", "fmax"))
    for part in draw_benchmark(rows, roles=roles, baseline=baseline, chosen_on=chosen_on):
        console.print(part)
