"""Small diagrams as SVG text: a square with both axes from 0 to 1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["plot"]

_SIDE = 220
_LEFT, _BOTTOM, _TOP, _RIGHT = 40, 36, 8, 12
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)

Point = tuple[float, float]


def plot(
    line: Sequence[Point], *, x_label: str, y_label: str, dots: Iterable[Point] = (), diagonal: bool = False
) -> str:
    """Draw a line and dots; coordinates in [0, 1], others are moved to the border."""
    width, height = _LEFT + _SIDE + _RIGHT, _TOP + _SIDE + _BOTTOM
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(y_label)} by {escape(x_label)}">']
    parts += _axes(x_label, y_label)
    if diagonal:
        parts.append(f'<line class="guide" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>')
    parts.append(f'<polyline class="curve" points="{" ".join(f"{_x(x)},{_y(y)}" for x, y in line)}"/>')
    parts += [f'<circle class="dot" cx="{_x(x)}" cy="{_y(y)}" r="3.5"/>' for x, y in dots]
    return "".join([*parts, "</svg>"])


def _axes(x_label: str, y_label: str) -> list[str]:
    parts = [f'<rect class="frame" x="{_x(0)}" y="{_y(1)}" width="{_SIDE}" height="{_SIDE}"/>']
    for tick in _TICKS:
        parts.append(f'<text class="tick" x="{_x(tick)}" y="{_y(0) + 13}" text-anchor="middle">{tick:g}</text>')
        parts.append(f'<text class="tick" x="{_x(0) - 5}" y="{_y(tick) + 3}" text-anchor="end">{tick:g}</text>')
    middle = _y(0.5)
    parts.append(f'<text x="{_x(0.5)}" y="{_y(0) + 29}" text-anchor="middle">{escape(x_label)}</text>')
    parts.append(
        f'<text x="10" y="{middle}" text-anchor="middle" transform="rotate(-90 10 {middle})">{escape(y_label)}</text>'
    )
    return parts


def _x(value: float) -> float:
    return round(_LEFT + min(max(value, 0.0), 1.0) * _SIDE, 1)


def _y(value: float) -> float:
    return round(_TOP + (1 - min(max(value, 0.0), 1.0)) * _SIDE, 1)
