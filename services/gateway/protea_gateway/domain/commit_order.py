"""Up to which event a growing timeline is settled, so that reading it in the order of ids loses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["CommitOrder", "Snapshot"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which transactions a statement saw as finished.

    Attributes
    ----------
    oldest_running
        Every transaction with a lower number has ended (``pg_snapshot_xmin``).
    next_number
        Every transaction of then has a lower number (``pg_snapshot_xmax``).
    """

    oldest_running: int
    next_number: int


class CommitOrder:
    """Follows the ids of events, which are given out in order but committed in any.

    An event may become visible after one with a greater id. Whoever reads "ids above the last one I saw" misses it. So
    an id counts as settled when it and all below it are either visible or can no longer become so: the id after a gap
    waits until the gap is filled, or until every transaction that could fill it has ended.

    Waiting for the oldest transaction alone would be simpler, but a load of reference data holds one open for minutes
    and would stop the live stream for as long. A window that is read again, with the ids sent so far remembered, knows
    nothing after a reconnect.

    Attributes
    ----------
    settled
        Greatest id that may be shown.
    """

    def __init__(self, settled: int) -> None:
        self.settled = settled
        self._gap: tuple[int, int] | None = None

    def advance(self, ids: Sequence[int], snapshot: Snapshot) -> None:
        """Take in what one statement saw.

        Parameters
        ----------
        ids
            Visible ids above ``settled``, ascending, the lowest ones.
        snapshot
            Of the same statement. A transaction has its number before it takes an event's id, because the timeline is
            written after the row that the event tells of.
        """
        if self._gap is not None:
            top, next_number = self._gap
            if snapshot.oldest_running >= next_number:
                self.settled = max(self.settled, top)
                self._gap = None
        for event_id in ids:
            if event_id > self.settled + 1:
                break
            self.settled = max(self.settled, event_id)
        if self._gap is not None and self.settled >= self._gap[0]:
            self._gap = None
        if self._gap is None and ids and ids[-1] > self.settled:
            self._gap = (ids[-1], snapshot.next_number)
