"""Spans of time as people type and read them: ``90s``, ``15m``, ``12h``, ``7d``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final, TypeAlias

import typer

from protea_cli.errors import CommandError

__all__ = ["OlderThan", "describe_age", "parse_age"]

UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
"""Seconds in each unit, the longest first."""

OlderThan: TypeAlias = Annotated[
    str | None, typer.Option("--older-than", help="Only those that died so long ago or longer: 90s, 15m, 12h, 7d.")
]


def parse_age(text: str) -> timedelta:
    """Read a span of time; a number alone is seconds.

    Raises
    ------
    CommandError
        If it is none.
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)([dhms]?)", text.strip())
    if found is None:
        raise CommandError(f"{text!r} is no span of time; give one like 90s, 15m, 12h or 7d")
    return timedelta(seconds=float(found[1]) * UNITS[found[2] or "s"])


def describe_age(seconds: float) -> str:
    """Write a span of time with its two largest units: ``2 h 5 min``; a negative one is that of a clock ahead: 0 s."""
    left = max(0, round(seconds))
    parts = []
    for unit, length in UNITS.items():
        count, left = divmod(left, length)
        parts.append((count, "min" if unit == "m" else unit))
    while len(parts) > 1 and parts[0][0] == 0:
        del parts[0]
    return " ".join(f"{count} {unit}" for count, unit in parts[:2] if count or len(parts) == 1)
