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
        "nk-bpo": {"scores": [0.0, 1.0], "probabilities": [0.0, 0.5]},
        "lk-bpo": {"scores": [0.25, 0.35, 0.6], "probabilities": [0.1, 0.2, 0.9]},
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


def test_a_calibration_is_shown_with_its_errors_and_what_scores_become_in_each_cell() -> None:
    text = drawn(*draw_calibration(FITTED))

    errors = next(line for line in text.splitlines() if line.startswith(("biological", " biological")))
    assert errors.split()[2:] == ["1,200", "90", "0.200", "0.001", "0.012"]
    shown = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}
    assert shown["score"] == ["NK-BPO", "LK-BPO"]
    assert shown["0.0"] == ["0.000", "0.100"]
    assert shown["0.3"] == ["0.150", "0.150"]
    assert shown["1.0"] == ["0.500", "0.900"]
