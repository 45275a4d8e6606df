"""What a job's result says, in lines for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["describe_counts"]


def describe_counts(result: Mapping[str, Any]) -> list[str]:
    """Write identifiers and counts as ``name: value``, thousands separated; a group of counts is one line.

    Parameters
    ----------
    result
        Of a job: numbers, texts, and mappings of numbers such as the rejected rows by reason. What is zero, empty or
        false inside a group is left out.
    """
    return [f"  {name.replace('_', ' ')}: {told}" for name, value in result.items() if (told := _told(value))]


def _told(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(_group(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _group(values: Mapping[str, object]) -> Iterator[str]:
    for name, value in values.items():
        if value and (told := _told(value)):
            yield f"{name.replace('_', ' ')} {told}"
