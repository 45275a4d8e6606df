"""Counting what is in a table while it passes by."""

from __future__ import annotations

__all__ = ["TableTally"]


class TableTally:
    """Counts the lines of a tab-separated table and the different values of its first column.

    Parameters
    ----------
    has_header
        Whether the first line names the columns.

    Attributes
    ----------
    rows
        Lines so far, without the header.
    keys
        Values of the first column so far.
    """

    def __init__(self, *, has_header: bool) -> None:
        self.rows = 0
        self.keys: set[bytes] = set()
        self._skip = has_header
        self._rest = b""

    def feed(self, piece: bytes) -> None:
        """Take the next bytes; a line may end in a later piece, the last one ends with a line end."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if self._skip and lines:
            del lines[0]
            self._skip = False
        self.rows += len(lines)
        self.keys.update(line.partition(b"\t")[0] for line in lines)
