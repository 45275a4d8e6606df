"""A chart of simulated days as SVG: queue age above, pods below, one line a policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from autoscaling_model import Sample

__all__ = ["draw"]

WIDTH: Final = 900
PANEL: Final = 190
MARGIN: Final = 60
COLOURS: Final = ("#1b6ca8", "#d1495b", "#66a182", "#edae49")
HOUR: Final = 3600.0


def draw(days: Mapping[str, Sequence[Sample]], *, title: str) -> str:
    """Draw the samples of each policy; the axes are hours, minutes and pods."""
    hours = max(samples[-1].seconds for samples in days.values()) / HOUR
    panels = (
        _panel(
            days, lambda sample: sample.oldest_seconds / 60, top=MARGIN, hours=hours, label="oldest waiting, minutes"
        ),
        _panel(days, lambda sample: float(sample.pods), top=2 * MARGIN + PANEL, hours=hours, label="pods"),
    )
    height = 3 * MARGIN + 2 * PANEL
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}">',
            '<g font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
            f'<text x="{MARGIN}" y="20" font-size="15">{title}</text>',
            *_legend(list(days)),
            *(line for panel in panels for line in panel),
            f'<text x="{WIDTH / 2}" y="{height - 12}" text-anchor="middle">hours</text>',
            "</g></svg>\n",
        ]
    )


def _legend(names: Sequence[str]) -> list[str]:
    return [
        f'<text x="{MARGIN + 200 * number}" y="42" fill="{colour}">{name}</text>'
        for number, (name, colour) in enumerate(zip(names, COLOURS, strict=False))
    ]


def _panel(
    days: Mapping[str, Sequence[Sample]], value: Callable[[Sample], float], *, top: int, hours: float, label: str
) -> list[str]:
    greatest = max(1.0, *(value(sample) for samples in days.values() for sample in samples))
    across, up = (WIDTH - 2 * MARGIN) / hours, PANEL / greatest
    bottom = top + PANEL
    lines = [
        f'<path d="M{MARGIN} {top}V{bottom}H{WIDTH - MARGIN}" fill="none" stroke="#444"/>',
        f'<text x="{MARGIN - 6}" y="{top + 6}" text-anchor="end">{greatest:.0f}</text>',
        f'<text x="{MARGIN - 6}" y="{bottom}" text-anchor="end">0</text>',
        f'<text x="{MARGIN + 6}" y="{top + 6}">{label}</text>',
        *(
            f'<text x="{MARGIN + hour * across:.0f}" y="{bottom + 16}" text-anchor="middle">{hour}</text>'
            for hour in range(0, int(hours) + 1, 4)
        ),
    ]
    for samples, colour in zip(days.values(), COLOURS, strict=False):
        points = " ".join(
            f"{MARGIN + sample.seconds / HOUR * across:.1f},{bottom - value(sample) * up:.1f}" for sample in samples
        )
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.2"/>')
    return lines
