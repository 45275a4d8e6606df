"""Rows of the downloads as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

__all__ = ["SMALLEST_CAFA_SCORE", "cafa_lines", "tsv_lines"]

SMALLEST_CAFA_SCORE: Final = 0.00005
"""Lower scores would be written as 0.0000, which the CAFA format does not allow."""

_BREAKS: Final = str.maketrans("\t\r\n", "   ")


def tsv_lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Write rows as tab-separated lines: null is empty, booleans are true and false, numbers have 6 digits."""
    return "".join("\t".join(map(_cell, row)) + "\n" for row in rows).encode()


def cafa_lines(rows: Iterable[Sequence[Any]]) -> bytes:
    """Write ``(protein, go_id, score)`` as the CAFA challenge reads it: no header, four decimals.

    References
    ----------
    Radivojac et al. 2013, Nat Methods 10:221; the CAFA prediction file format.
    """
    return "".join(f"{protein}\t{go_id}\t{score:.4f}\n" for protein, go_id, score in rows).encode()


def _cell(value: object) -> str:
    # Texts first, and left alone where they may be: a download has millions of cells.
    if isinstance(value, str):
        return value if value.isprintable() else value.translate(_BREAKS)
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
