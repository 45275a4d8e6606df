"""The figures of a benchmark: one row for each window, cell and method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from statistics import fmean
from typing import Any, Final

__all__ = ["SMALLEST_COHORT", "Row", "choose", "rows_of", "table_text"]

SMALLEST_COHORT: Final = 30
"""Proteins below which a cell is marked; the same as the evaluator's."""


@dataclass(frozen=True, slots=True)
class Row:
    """A method in a cell of a window; what was not measured is ``None``.

    Attributes
    ----------
    n_proteins
        Of the cell's ground truth.
    fmax_low, fmax_high, weighted_fmax_low, weighted_fmax_high
        Interval of 95 %.
    difference, difference_low, difference_high, verdict
        From the method that the others are compared with, on the same proteins.
    """

    window: str
    category: str
    aspect: str
    method: str
    n_proteins: int
    fmax: float
    fmax_low: float | None
    fmax_high: float | None
    weighted_fmax: float | None
    weighted_fmax_low: float | None
    weighted_fmax_high: float | None
    smin: float | None
    coverage: float
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    verdict: str | None
    evaluation_result_id: str

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Row:
        """Read what `asdict` gave; columns of later versions are passed over."""
        return cls(**{each.name: stored.get(each.name) for each in fields(cls)})  # type: ignore[arg-type]  # as stored


def rows_of(window: str, method: str, result: Mapping[str, Any], comparison: Mapping[str, Any] | None) -> Iterator[Row]:
    """Make the rows of one result.

    Parameters
    ----------
    result
        As the API gives it: ``{"id": ..., "results": {"NK": {"BPO": {"fmax": ..., "interval": {...}}}}}``.
    comparison
        Result of ``compare_evaluations``; ``None`` for the method that the others are compared with.
    """
    compared = {} if comparison is None else comparison["cells"]
    for category, aspects in result["results"].items():
        for aspect, figures in aspects.items():
            difference = compared.get(category, {}).get(aspect, {})
            place = {"window": window, "category": category, "aspect": aspect, "method": method}
            yield _row(place, figures, difference, result_id=str(result["id"]))


def _row(place: Mapping[str, str], figures: Mapping[str, Any], difference: Mapping[str, Any], *, result_id: str) -> Row:
    interval, weighted_interval = figures.get("interval", {}), figures.get("weighted_interval", {})
    weighted = figures.get("weighted", {})
    return Row(
        **place,
        n_proteins=figures["cohort"],
        fmax=figures["fmax"],
        fmax_low=interval.get("low"),
        fmax_high=interval.get("high"),
        weighted_fmax=weighted.get("fmax"),
        weighted_fmax_low=weighted_interval.get("low"),
        weighted_fmax_high=weighted_interval.get("high"),
        smin=weighted.get("smin"),
        coverage=figures["coverage"],
        difference=difference.get("difference"),
        difference_low=difference.get("low"),
        difference_high=difference.get("high"),
        verdict=difference.get("verdict"),
        evaluation_result_id=result_id,
    )


def choose(rows: Sequence[Row], *, measure: str) -> tuple[str, float, int] | None:
    """Choose the method with the best mean over the cells that all methods have.

    Parameters
    ----------
    rows
        Of the window to choose on.

    Returns
    -------
    choice
        Method, mean and number of cells; the first by name of equal ones, ``None`` if no cell is shared.
    """
    cells: dict[tuple[str, str], dict[str, float]] = {}
    methods = {row.method for row in rows}
    for row in rows:
        value = getattr(row, measure)
        if value is not None:
            cells.setdefault((row.category, row.aspect), {})[row.method] = value
    shared = [values for values in cells.values() if set(values) == methods]
    if not shared:
        return None
    means = {method: fmean(values[method] for values in shared) for method in sorted(methods)}
    best = max(means, key=lambda method: means[method])
    return best, means[best], len(shared)


def table_text(rows: Sequence[Row]) -> bytes:
    """Write rows as tab-separated values with a header; what was not measured is empty."""
    names = [each.name for each in fields(Row)]
    lines = ["\t".join(names)]
    lines += ["\t".join(map(_cell, asdict(row).values())) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6f}" if isinstance(value, float) else str(value)
