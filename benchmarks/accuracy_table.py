"""The table of the accuracy benchmark, and its figures as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from accuracy_results import CELLS, MEASURES, Difference, Measured

from protea_evaluator.domain.results import is_too_small

__all__ = ["Gains", "as_json", "print_table"]

Gains = Mapping[str, Mapping[tuple[str, str], Difference]]
"""Differences by measure and cell."""

_TITLE = 34
_CELL = 10


def print_table(methods: Mapping[str, Measured], gains: Mapping[str, Gains], errors: Mapping[str, Any]) -> None:
    """Print the nine cells of each method, then what was gained, with intervals."""
    cohorts = next(iter(methods.values())).cohorts
    for measure in MEASURES:
        _line(measure, [f"{category} {aspect}" for category, aspect in CELLS], "mean")
        _line("proteins (! too few to tell)", [_marked(cohorts[name]) for name in CELLS], "")
        for title, measured in methods.items():
            figures = [f"{measured.figures[measure][name]:.3f}" for name in CELLS]
            _line(title, figures, f"{measured.mean(measure):.4f}")
        for title, gained in gains.items():
            _print_gain(title, gained[measure])
        print()
    for title, by_aspect in errors.items():
        told = ", ".join(f"{aspect} {error:.4f}" for aspect, error in by_aspect.items())
        print(f"expected calibration error, {title}: {told}")


def as_json(methods: Mapping[str, Measured], gains: Mapping[str, Gains], errors: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the table holds: the nine cells of each method, means, gains, and the cells that are below."""
    return {
        "cells": {
            title: {"-".join(name): [measured.figures[measure][name] for measure in MEASURES] for name in CELLS}
            for title, measured in methods.items()
        },
        "means": {title: [measured.mean(measure) for measure in MEASURES] for title, measured in methods.items()},
        "gains": {title: {measure: _mean(gained[measure]) for measure in MEASURES} for title, gained in gains.items()},
        "cells_below": {title: _below(gained) for title, gained in gains.items()},
        "calibration_errors": dict(errors),
    }


def _below(gained: Gains) -> list[str]:
    """Cells that are behind by more than their interval."""
    return [
        f"{'-'.join(name)} {measure}"
        for measure, cells in gained.items()
        for name, cell in cells.items()
        if cell.high < 0
    ]


def _print_gain(title: str, cells: Mapping[tuple[str, str], Difference]) -> None:
    there = [cells.get(name) for name in CELLS]
    _line(title, ["-" if cell is None else f"{cell.estimate:+.3f}" for cell in there], f"{_mean(cells):+.4f}")
    _line("  its interval, low", ["-" if cell is None else f"{cell.low:+.3f}" for cell in there], "")
    _line("  its interval, high", ["-" if cell is None else f"{cell.high:+.3f}" for cell in there], "")


def _mean(cells: Mapping[tuple[str, str], Difference]) -> float:
    return float(np.mean([cell.estimate for cell in cells.values()])) if cells else 0.0


def _marked(cohort: int) -> str:
    return f"{cohort}{'!' if is_too_small(cohort) else ''}"


def _line(title: str, cells: list[str], end: str) -> None:
    print(f"{title:<{_TITLE}}" + "".join(f"{cell:<{_CELL}}" for cell in cells) + end)
