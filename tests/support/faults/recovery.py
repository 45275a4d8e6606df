"""How long services took to get something done again after a fault."""

from __future__ import annotations

from collections.abc import Sequence

from support.faults.injection import Outcome
from support.faults.observer import Progress

__all__ = ["recovery_seconds", "undisturbed_seconds"]


def recovery_seconds(outcome: Outcome, outcomes: Sequence[Outcome], progress: Progress) -> float | None:
    """Seconds from a fault's end to the next progress of all that it concerned; ``None`` without progress.

    While another fault keeps the same service from working, the clock rests.
    """
    seconds = []
    for service in outcome.concerned:
        waited = progress.next_after(outcome.ended_at, [service])
        if waited is None:
            return None
        others = [(other.begun_at, other.ended_at) for other in outcomes if service in other.concerned]
        seconds.append(undisturbed_seconds(outcome.ended_at, outcome.ended_at + waited, others))
    return max(seconds)


def undisturbed_seconds(begin: float, end: float, disturbances: Sequence[tuple[float, float]]) -> float:
    """Length of the part of an interval that lies in none of the others."""
    free, at = 0.0, begin
    for start, stop in sorted(disturbances):
        if stop <= at or start >= end:
            continue
        free += max(0.0, start - at)
        at = stop
    return free + max(0.0, end - at)
