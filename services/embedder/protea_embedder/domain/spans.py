"""Which residues of a sequence each of its vectors covers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["SpanVectors", "Window", "chunk_spans", "context_windows"]


@dataclass(frozen=True, slots=True, eq=False)
class SpanVectors:
    """Vectors of sequences that may have several each.

    Attributes
    ----------
    rows
        Which of the given sequences a vector belongs to, int64, shape ``(m,)``, ascending.
    starts, ends
        Residues that it covers, 0-based, end exclusive, int32, shape ``(m,)``.
    vectors
        Finite float32, shape ``(m, D)``.
    in_windows
        Which of the given sequences were too long for the device and seen part by part, so that residues far apart did
        not see each other.
    """

    rows: NDArray[np.int64]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    vectors: NDArray[np.float32]
    in_windows: tuple[int, ...] = ()


def chunk_spans(residues: int, *, size: int, overlap: int) -> list[tuple[int, int]]:
    """Cut a sequence into chunks.

    Parameters
    ----------
    residues
        Length of the sequence, 0 or more.
    size, overlap
        Residues of a chunk, and of them shared with the next; ``0 <= overlap < size``.

    Returns
    -------
    spans
        Start and end of each, 0-based, end exclusive, ascending. A short rest is a chunk too; an empty sequence has
        the one chunk ``(0, 0)``.
    """
    starts = range(0, residues, size - overlap) or (0,)
    return [(start, min(start + size, residues)) for start in starts]


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a sequence that a model sees at once; all 0-based, ends exclusive.

    Attributes
    ----------
    seen_start, seen_end
        Residues that the model is given.
    kept_start, kept_end
        Residues whose states are taken; the others are there as context.
    """

    seen_start: int
    seen_end: int
    kept_start: int
    kept_end: int


def context_windows(residues: int, *, size: int) -> list[Window]:
    """Cut a sequence that is too long into windows that overlap.

    Parameters
    ----------
    residues
        Length of the sequence, at least 1.
    size
        Most residues that the model is given at once, at least 4; a quarter of them at each side are context.

    Returns
    -------
    windows
        Ascending; every residue is kept by exactly one.
    """
    margin = size // 4
    kept = size - 2 * margin
    return [
        Window(
            seen_start=max(start - margin, 0),
            seen_end=min(start + kept + margin, residues),
            kept_start=start,
            kept_end=min(start + kept, residues),
        )
        for start in range(0, residues, kept)
    ]
