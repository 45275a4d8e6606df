"""Rows of the downloads as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

__all__ = ["SMALLEST_CAFA_SCORE", "cafa_lines", "tsv_lines"]

SMALLEST_CAFA_SCORE: Final = 0.00005
"""Lower scores would be written as 0.0000, which the CAFA format does not allow."""

_BREAKS: Final = str.maketrans("\t\r\n", "   ")


def tsv_lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Write rows as tab-separated lines: null is empty, booleans are true and false, numbers have 6 digits."""
    return "".join("\t".join(map(_cell, row)) + "\n" for row in rows).encode()


def cafa_lines(rows: Iterable[tuple[str, str, float]]) -> bytes:
    """Write ``(protein, go_id, score)`` as the CAFA challenge reads it: no header, four decimals.

    References
    ----------
    Radivojac et al. 2013, Nat Methods 10:221; the CAFA prediction file format.
    """
    return "".join(f"{protein}\t{go_id}\t{score:.4f}\n" for protein, go_id, score in rows).encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).translate(_BREAKS)
