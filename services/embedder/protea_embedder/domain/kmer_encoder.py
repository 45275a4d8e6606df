"""An encoder without a neural network: words of a sequence, projected and standardised."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from protea_embedder.domain.kmer_features import extract_features
from protea_embedder.domain.kmer_state import KmerState

__all__ = ["KmerEncoder"]


class KmerEncoder:
    """Implements `Encoder` from a fitted state; it is no language model and needs no weights of others.

    A vector is the whole sequence's: nothing is cut off. A sequence without a single standard residue gets the vector
    of "no words", the same for all such sequences.

    Parameters
    ----------
    state
        What `fit_kmer_encoder` learned.
    normalize
        Whether vectors have unit length.
    """

    def __init__(self, state: KmerState, *, normalize: bool = True) -> None:
        self._state = state
        self._normalize = normalize

    @property
    def dimension(self) -> int:
        """Length ``D`` of a vector."""
        return self._state.dimension

    def encode(self, sequences: Sequence[str]) -> NDArray[np.float32]:
        """Embed sequences, one vector per protein.

        Parameters
        ----------
        sequences
            Amino-acid strings, case ignored; windows over a non-standard residue do not count.

        Returns
        -------
        embeddings
            Shape ``(n, D)``, row ``i`` for ``sequences[i]``, the same bits in any batch; computing it takes
            about three times its memory.
        """
        if not sequences:
            return np.empty((0, self.dimension), dtype=np.float32)
        features = extract_features(sequences, reduced=self._state.reduced, trimer=self._state.trimer)
        features -= self._state.column_mean
        features *= self._state.column_weight
        return _unit_rows(features) if self._normalize else features


def _unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale rows to unit length; a row of zeros has no direction and stays."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[np.float32] = np.divide(rows, lengths, out=rows, where=lengths > 0)
    return unit
