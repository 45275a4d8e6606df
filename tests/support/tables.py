"""Comparing two prediction tables: keys and order exactly, figures within rounding."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose

__all__ = ["assert_same_predictions"]

TOLERANCE = 1.001e-6
"""Figures agree within 1e-6; the table shows six digits, so a last digit may differ by just that."""


def assert_same_predictions(ours: Sequence[dict[str, str]], theirs: Sequence[dict[str, str]]) -> None:
    """Compare row by row: both tables are ordered by protein, falling score and term, so ranks are compared too."""
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.keys() == other.keys()
        different = {name: (mine[name], other[name]) for name in mine if not _same(mine[name], other[name])}
        assert different == {}, (mine["protein_accession"], mine["go_id"])


def _same(mine: str, other: str) -> bool:
    if mine == other:
        return True
    try:
        return isclose(float(mine), float(other), rel_tol=0, abs_tol=TOLERANCE)
    except ValueError:
        return False
