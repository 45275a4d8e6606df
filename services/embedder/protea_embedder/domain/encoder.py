"""The port every sequence encoder implements; it leaves models and devices to those who implement it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Encoder"]


class Encoder(Protocol):
    """Turns amino-acid sequences into one vector each.

    The vector of a sequence is a property of the sequence: alone, in any batch and in any order it is the same within
    1e-5 per component in float32. Any string is accepted: empty, of one residue, with non-standard residues.
    """

    @property
    def dimension(self) -> int:
        """Length ``D`` of a vector."""
        ...

    def encode(self, sequences: Sequence[str]) -> NDArray[np.float32]:
        """Embed sequences, one vector per protein.

        Parameters
        ----------
        sequences
            Amino-acid strings in one-letter code.

        Returns
        -------
        embeddings
            Finite values, shape ``(n, D)``, row ``i`` for ``sequences[i]``; shape ``(0, D)`` for no sequences.
        """
        ...
