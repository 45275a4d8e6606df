"""Comparing two prediction tables: keys and order exactly, figures within rounding."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose

__all__ = ["assert_same_predictions"]

TOLERANCE = 1e-6

_FIGURES = ("score", "distance", "neighbor_distance_std")


def assert_same_predictions(ours: Sequence[dict[str, str]], theirs: Sequence[dict[str, str]]) -> None:
    """Compare row by row: both tables are ordered by protein, falling score and term."""
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        exact = {name: value for name, value in mine.items() if name not in _FIGURES}
        assert exact == {name: value for name, value in other.items() if name not in _FIGURES}
        for name in _FIGURES:
            assert isclose(float(mine[name]), float(other[name]), abs_tol=TOLERANCE), (name, mine, other)
