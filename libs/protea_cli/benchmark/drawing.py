"""A benchmark's figures, and lists of benchmarks, as tables for a screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from protea_cli.benchmark.rows import SMALLEST_COHORT, Row, choose

__all__ = ["draw_benchmark", "draw_experiments"]


def draw_benchmark(
    rows: Sequence[Row], *, roles: dict[str, str], baseline: str | None, chosen_on: tuple[str, str] | None
) -> Iterator[RenderableType]:
    """Lay out a table for each window, then the choice that was made.

    Parameters
    ----------
    rows
        By window; within it by cell.
    roles
        Role of each window.
    baseline
        Method that the others are compared with.
    chosen_on
        Window and measure of the choice.
    """
    for window, members in groupby(rows, key=lambda row: row.window):
        yield Text(f"\nWindow {window} ({roles.get(window, 'no role')})")
        yield _table(list(members), baseline)
    yield Text(f"Intervals are of 95 %, over proteins. few: fewer than {SMALLEST_COHORT} proteins, an indication only.")
    if chosen_on is not None:
        window, measure = chosen_on
        choice = choose([row for row in rows if row.window == window], measure=measure)
        if choice is not None:
            best, mean, n_cells = choice
            yield Text(f"Chosen on {window}: {best}, mean {measure} {mean:.3f} over {n_cells} cells.")


def draw_experiments(runs: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out experiment runs with what tells them apart; what does not apply, or differs inside one, is empty."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("run", "status", "what", "encoder", "K", "re-rankers", "window", "propagation"):
        table.add_column(name, justify="right" if name == "K" else "left")
    for run in runs:
        axes = (run[axis] for axis in ("plm", "k", "reranker_spec_id", "eval_set_name", "propagation"))
        told = (run["name"], run["status"], run["description"], *axes)
        table.add_row(*(Text("" if each is None else str(each)) for each in told))
    return table


def _table(rows: Sequence[Row], baseline: str | None) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("known before", "aspect", "proteins", "method", "Fmax", "95 %", "weighted", "95 %", "coverage"):
        table.add_column(name, justify="left" if name in {"known before", "aspect", "method"} else "right")
    if baseline is not None:
        table.add_column(f"against {baseline}", justify="right")
        table.add_column("verdict")
    for _, cell in groupby(rows, key=lambda row: (row.category, row.aspect)):
        for position, row in enumerate(cell):
            told = (row.category, row.aspect, _proteins(row)) if position == 0 else ("", "", "")
            table.add_row(*map(Text, (*told, *_figures(row), *(() if baseline is None else _difference(row)))))
        table.add_section()
    return table


def _proteins(row: Row) -> str:
    return f"{row.n_proteins:,}{' few' if row.n_proteins < SMALLEST_COHORT else ''}"


def _figures(row: Row) -> tuple[str, ...]:
    return (
        row.method,
        f"{row.fmax:.3f}",
        _interval(row.fmax_low, row.fmax_high),
        "-" if row.weighted_fmax is None else f"{row.weighted_fmax:.3f}",
        _interval(row.weighted_fmax_low, row.weighted_fmax_high),
        f"{row.coverage:.2f}",
    )


def _difference(row: Row) -> tuple[str, ...]:
    if row.difference is None:
        return "", ""
    return f"{row.difference:+.3f} {_interval(row.difference_low, row.difference_high, sign='+')}", row.verdict or ""


def _interval(low: float | None, high: float | None, *, sign: str = "") -> str:
    return "" if low is None or high is None else f"[{low:{sign}.3f}, {high:{sign}.3f}]"
