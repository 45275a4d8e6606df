"""Which faults happen, to whom and when: all of it follows from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from support.cluster import SERVICES

__all__ = ["SERVERS", "Fault", "Kind", "make_plan"]

SERVERS = ("database", "broker")

MEAN_GAP_SECONDS = 4.0
"""Mean pause between two faults; most faults last as long, so that they overlap."""

_GAP_LIMITS = (0.2, 12.0)
_DURATION_LIMITS = (1.0, 5.0)


class Kind(StrEnum):
    """What goes wrong."""

    KILL = "kill"
    """A service gets SIGKILL."""
    TERMINATE = "terminate"
    """A service gets SIGTERM."""
    CUT = "cut"
    """The connections of a service to a server are reset and refused."""
    STALL = "stall"
    """They stay open and carry nothing."""
    DELAY = "delay"
    """They are slow."""
    STOP = "stop"
    """A server is shut down in order."""
    CRASH = "crash"
    """A server is killed."""
    COPY = "copy"
    """The messages of the last seconds are delivered again, twice, in another order."""
    LATE_COPY = "late copy"
    """Messages of long ago are delivered again."""
    FULL_DISK = "full disk"
    """The artifact store refuses every write."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes
    ----------
    gap_seconds
        Pause since the fault before.
    kind
        What goes wrong.
    service, server
        What it happens to, or between which two.
    seconds
        How long it lasts.
    seed
        For what is random in it.
    """

    gap_seconds: float
    kind: Kind
    service: str | None
    server: str | None
    seconds: float
    seed: int

    def __str__(self) -> str:
        names = [str(self.kind), *(name for name in (self.service, self.server) if name is not None)]
        return f"{' '.join(names)} ({self.seconds:.1f} s)"


def make_plan(seed: int, count: int) -> list[Fault]:
    """Make the plan of a seed; a longer plan of the same seed begins with the shorter one."""
    rng = random.Random(seed)
    rounds = _rounds(rng)
    return [_fault(rng, *next(rounds)) for _ in range(count)]


def _rounds(rng: random.Random) -> Iterator[tuple[Kind, str | None, str | None]]:
    """Give everything that can go wrong in a random order, again and again."""
    while True:
        everything: list[tuple[Kind, str | None, str | None]] = [
            *((kind, service, None) for kind in (Kind.KILL, Kind.TERMINATE) for service in SERVICES),
            *((kind, rng.choice(SERVICES), s) for kind in (Kind.CUT, Kind.STALL, Kind.DELAY) for s in SERVERS),
            *((kind, None, server) for kind in (Kind.STOP, Kind.CRASH) for server in SERVERS),
            *((kind, None, None) for kind in (Kind.COPY, Kind.COPY, Kind.LATE_COPY)),
            *((Kind.FULL_DISK, None, None) for _ in range(2)),
        ]
        rng.shuffle(everything)
        yield from everything


def _fault(rng: random.Random, kind: Kind, service: str | None, server: str | None) -> Fault:
    low, high = _GAP_LIMITS
    gap = min(max(rng.expovariate(1 / MEAN_GAP_SECONDS), low), high)
    return Fault(gap, kind, service, server, rng.uniform(*_DURATION_LIMITS), rng.getrandbits(32))
