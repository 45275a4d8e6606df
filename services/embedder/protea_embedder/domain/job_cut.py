"""Cutting the sequences of a job into the batches that workers take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["SequenceLengths", "cut_by_length"]


@dataclass(frozen=True, slots=True, eq=False)
class SequenceLengths:
    """Sequences by name and size only.

    Attributes
    ----------
    ids
        Distinct, int64, shape ``(n,)``.
    residues
        Length of each, int64, shape ``(n,)``.
    """

    ids: NDArray[np.int64]
    residues: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)


def cut_by_length(sequences: SequenceLengths, *, sequences_per_batch: int) -> Iterator[SequenceLengths]:
    """Yield batches of sequences of similar length.

    Parameters
    ----------
    sequences
        In any order.
    sequences_per_batch
        Sequences in every batch but the last, which has the rest; at least 1.

    Yields
    ------
    batch
        Longest sequences first, so that the slowest batches start first and workers end together; equal lengths by
        ascending id. Nothing for no sequences.
    """
    order = np.lexsort((sequences.ids, -sequences.residues))
    for start in range(0, len(order), sequences_per_batch):
        chosen = order[start : start + sequences_per_batch]
        yield SequenceLengths(ids=sequences.ids[chosen], residues=sequences.residues[chosen])
