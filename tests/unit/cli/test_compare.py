from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from protea_cli.compare import draw_comparison

CELL: dict[str, Any] = {
    "difference": 0.0213,
    "low": -0.004,
    "high": 0.0461,
    "minimum_detectable_effect": 0.036,
    "n_proteins": 1_790,
    "is_small": False,
    "verdict": "undecided",
}
FOUND: dict[str, Any] = {
    "measure": "weighted_fmax",
    "confidence": 0.95,
    "frame": {"name": "protea 0.1.0, fill/cafa/measurable/grid", "digest": "fc08c7105b01"},
    "cells": {"PK": {"CCO": CELL | {"n_proteins": 16, "is_small": True, "difference": -0.5}}, "NK": {"MFO": CELL}},
}


def test_each_cell_is_a_line_with_its_difference_interval_and_verdict() -> None:
    file = io.StringIO()
    for part in draw_comparison(FOUND):
        Console(file=file, width=120).print(part)

    first, *_ = lines = file.getvalue().splitlines()
    assert first == "weighted_fmax in the frame protea 0.1.0, fill/cafa/measurable/grid (fc08c7105b01)"
    found = [line.split() for line in lines if line.split()[:1] in (["NK"], ["PK"])]
    assert found == [
        ["NK", "MFO", "1,790", "+0.021", "-0.004", "to", "+0.046", "0.036", "undecided"],
        ["PK", "CCO", "16", "few", "-0.500", "-0.004", "to", "+0.046", "0.036", "undecided"],
    ]
