from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from protea_cli.calibration import draw_calibration, draw_calibrations

FITTED: dict[str, Any] = {
    "id": "5e0b6a0c-37a1-4c6f-9d19-3d6f3ad6c1aa",
    "candidate_count": 12_345,
    "created_at": "2026-11-25T03:00:00Z",
    "metrics": {
        "biological_process": {"predictions": 1200, "true": 90, "before": 0.2, "fitted": 0.001, "held_out": 0.0123},
        "molecular_function": {"predictions": 5, "true": 1, "before": 0.1, "fitted": 0.0, "held_out": None},
    },
    "curves": {
        "biological_process": {
            "scores": [n / 100 for n in range(101)],
            "probabilities": [n / 200 for n in range(101)],
        }
    },
}


def drawn(*parts: Any) -> str:
    file = io.StringIO()
    for part in parts:
        Console(file=file, width=140).print(part)
    return file.getvalue()


def test_a_list_shows_whole_ids_and_the_errors_that_can_be_believed() -> None:
    text = drawn(draw_calibrations([FITTED]))

    for told in (FITTED["id"], "12,345", "BP 0.012, MF -", "2026-11-25T03:00"):
        assert told in text


def test_a_calibration_is_shown_with_its_errors_and_some_points_of_its_curves() -> None:
    text = drawn(*draw_calibration(FITTED))

    errors = next(line for line in text.splitlines() if line.startswith(("biological", " biological")))
    assert errors.split()[2:] == ["1,200", "90", "0.200", "0.001", "0.012"]
    shown = [line.split()[-2:] for line in text.splitlines() if line.strip() and line.split()[-1].startswith("0.")]
    points = [each for each in shown if each[0] != "0.001"]
    assert points[0] == ["0.000", "0.000"]
    assert ["1.000", "0.500"] in points
    assert (
        len(
            [
                each
                for each in points
                if float(each[1]) == float(each[0]) / 2 or abs(float(each[1]) - float(each[0]) / 2) < 0.001
            ]
        )
        == 12
    )
