from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from protea_cli.evolution import draw_evolution

SOURCE: dict[str, Any] = {
    "source": "IntAct",
    "evidence": "Experimental",
    "gained": 83_925,
    "undated": 0,
    "days": 1,
    "first_day": "20190113",
    "last_day": "20190113",
    "commonest_day": "20190113",
    "on_commonest_day": 83_925,
    "is_doubtful": True,
}
CURATED = SOURCE | {"source": "MGI", "gained": 2_639, "on_commonest_day": 207, "is_doubtful": False}
CHANGE = {"aspect": "F", "evidence": "Experimental", "kept": 44_001, "gained": 86_564, "lost": 0, "denials": 12}


def drawn(*sources: dict[str, Any]) -> str:
    file = io.StringIO()
    for part in draw_evolution({"changes": [CHANGE], "sources": list(sources)}):
        Console(file=file, width=120).print(part)
    return file.getvalue()


def test_changes_and_dates_are_a_line_each_and_doubtful_dates_are_marked() -> None:
    lines = [line.split() for line in drawn(SOURCE, CURATED).splitlines()]
    assert ["MFO", "Experimental", "44,001", "86,564", "12", "0"] in lines
    days = ["2019-01-13"] * 3
    assert ["IntAct", "Experimental", "83,925", "0", "1", *days, "100%", "!"] in lines
    assert ["MGI", "Experimental", "2,639", "0", "1", *days, "8%"] in lines
    assert "! Most bear one day" in drawn(SOURCE)


def test_without_doubt_nothing_is_explained() -> None:
    assert "!" not in drawn(CURATED)


def test_sources_behind_the_twentieth_are_shown_where_they_are_doubtful() -> None:
    text = drawn(*[CURATED] * 20, CURATED | {"source": "ZFIN"}, SOURCE)
    assert "ZFIN" not in text
    assert "IntAct" in text
