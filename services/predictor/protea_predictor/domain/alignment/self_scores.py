"""The bit score of a protein aligned with itself, which no hit of it can pass by much."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import parasail
from numpy.typing import NDArray

from protea_predictor.domain.alignment.residues import alignable

__all__ = ["self_bit_scores"]

_LAMBDA = 0.267
_K = 0.041
"""Karlin and Altschul's parameters of BLOSUM62 with gaps of 11 and 1, as BLAST and MMseqs2 have them."""

_LEAST_BITS = 1.0
"""A sequence of unknown residues has no score above 0 with itself."""


def self_bit_scores(sequences: Sequence[str]) -> NDArray[np.float64]:
    """Score sequences with themselves: the sum of BLOSUM62's diagonal over the residues, in bits.

    Returns
    -------
    bits
        ``(lambda * score - ln K) / ln 2``, at least 1, shape ``(n,)``; without the correction for composition that
        MMseqs2 applies to its hits, by which those of biased sequences stay below.

    References
    ----------
    Karlin, Altschul 1990, PNAS 87:2264; Altschul et al. 1997, Nucleic Acids Res 25:3389 (gapped parameters).
    """
    diagonal = _diagonal()
    raw = np.array([diagonal[np.frombuffer(alignable(sequence), np.uint8)].sum() for sequence in sequences])
    bits: NDArray[np.float64] = np.maximum((_LAMBDA * raw - np.log(_K)) / np.log(2), _LEAST_BITS)
    return bits


def _diagonal() -> NDArray[np.float64]:
    """Score of each letter with itself, by its byte."""
    matrix = parasail.blosum62
    scores: NDArray[np.float64] = np.diagonal(matrix.matrix)[matrix.mapper].astype(np.float64)
    return scores
