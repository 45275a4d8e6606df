from __future__ import annotations

import io
from dataclasses import asdict

import pytest
from rich.console import Console

from protea_cli.benchmark.drawing import draw_benchmark
from protea_cli.benchmark.matrix import Cell, DifferentFramesError, MeasuredCell, require_one_frame
from protea_cli.benchmark.rows import Row, choose, rows_of, table_text

FIGURES: dict[str, object] = {
    "fmax": 0.5,
    "cohort": 40,
    "coverage": 0.75,
    "interval": {"low": 0.4, "high": 0.6},
    "weighted": {"fmax": 0.45, "smin": 7.5},
    "weighted_interval": {"low": 0.35, "high": 0.55},
}
COMPARED = {"cells": {"NK": {"MFO": {"difference": 0.1, "low": 0.02, "high": 0.2, "verdict": "better"}}}}


def result(key: str = "r1", digest: str = "d1", **aspects: dict[str, object]) -> dict[str, object]:
    return {
        "id": key,
        "results": {"NK": aspects or {"MFO": FIGURES}},
        "evaluator": {"frame": {"name": f"protea of {digest}", "digest": digest}},
    }


def rows(**fmax: float) -> list[Row]:
    return [
        row
        for method, value in fmax.items()
        for row in rows_of("w", method, result(MFO=FIGURES | {"fmax": value}), None)
    ]


def test_a_row_has_the_figures_intervals_and_difference_of_its_cell() -> None:
    (row,) = rows_of("choosing", "near", result(), COMPARED)

    assert asdict(row) == {
        "window": "choosing",
        "category": "NK",
        "aspect": "MFO",
        "method": "near",
        "n_proteins": 40,
        "fmax": 0.5,
        "fmax_low": 0.4,
        "fmax_high": 0.6,
        "weighted_fmax": 0.45,
        "weighted_fmax_low": 0.35,
        "weighted_fmax_high": 0.55,
        "smin": 7.5,
        "coverage": 0.75,
        "difference": 0.1,
        "difference_low": 0.02,
        "difference_high": 0.2,
        "verdict": "better",
        "evaluation_result_id": "r1",
    }
    assert Row.read({**asdict(row), "of_a_later_version": 1}) == row


def test_what_was_not_measured_is_empty_in_the_table_and_never_zero() -> None:
    (row,) = rows_of("w", "m", result(MFO={"fmax": 0.5, "cohort": 1, "coverage": 1.0}), None)

    header, line = table_text([row]).decode().splitlines()

    table = dict(zip(header.split("\t"), line.split("\t"), strict=True))
    assert (table["fmax"], table["fmax_low"], table["weighted_fmax"], table["verdict"]) == ("0.500000", "", "", "")


def test_the_best_mean_over_the_cells_that_all_have_is_chosen() -> None:
    only_one = list(rows_of("w", "b", result(BPO=FIGURES | {"fmax": 0.99}), None))

    assert choose([*rows(a=0.6, b=0.5), *only_one], measure="fmax") == ("a", 0.6, 1)
    assert choose(only_one + rows(a=0.6), measure="fmax") is None


def test_results_of_two_frames_in_a_window_are_refused() -> None:
    first = MeasuredCell(Cell("w", "a"), {}, result(digest="d1"))
    second = MeasuredCell(Cell("w", "b"), {}, result(digest="d2"))
    elsewhere = MeasuredCell(Cell("v", "b"), {}, result(digest="d2"))

    require_one_frame([first, first, elsewhere])
    with pytest.raises(DifferentFramesError, match="a on w: protea of d1; b on w: protea of d2"):
        require_one_frame([first, second])


def test_the_drawing_marks_small_cells_and_names_the_choice() -> None:
    small = list(rows_of("w", "m", result(MFO=FIGURES | {"cohort": 7}), COMPARED))
    file = io.StringIO()

    for part in draw_benchmark(small, roles={"w": "valid"}, baseline="naive", chosen_on=("w", "fmax")):
        Console(file=file, width=160).print(part)

    text = file.getvalue()
    for told in ("Window w (valid)", "7 few", "[0.400, 0.600]", "+0.100 [+0.020, +0.200]", "better", "Chosen on w: m"):
        assert told in text
