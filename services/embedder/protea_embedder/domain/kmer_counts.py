"""Counts of k-mers per sequence, over an alphabet of residue groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

__all__ = [
    "AMINO_ACIDS",
    "DIPEPTIDES",
    "MURPHY_10",
    "REDUCED_TETRAMERS",
    "RESIDUES",
    "TRIMERS",
    "Alphabet",
    "Vocabulary",
    "count_kmers",
]

_SEPARATOR = " "
"""Stands after each sequence, so that no window spans two; it must be a letter of no alphabet."""


@dataclass(frozen=True, slots=True)
class Alphabet:
    """Groups of residues that count as one letter.

    Attributes
    ----------
    name
        Recorded beside what was fitted with the alphabet.
    groups
        One-letter codes in upper case, a string per group; a residue in no group is non-standard.
    """

    name: str
    groups: tuple[str, ...]


AMINO_ACIDS = Alphabet("amino-acids", tuple("ACDEFGHIKLMNPQRSTVWY"))
"""The twenty standard residues, each for itself."""

MURPHY_10 = Alphabet("murphy-10", ("LVIM", "C", "A", "G", "ST", "P", "FYW", "EDNQ", "KR", "H"))
"""The ten-letter alphabet of Murphy et al. 2000, Protein Eng 13:149, which keeps most homologies recognisable."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All words of ``k`` letters of an alphabet."""

    alphabet: Alphabet
    k: int

    @property
    def size(self) -> int:
        """Number of different words."""
        return int(len(self.alphabet.groups) ** self.k)


RESIDUES = Vocabulary(AMINO_ACIDS, 1)
DIPEPTIDES = Vocabulary(AMINO_ACIDS, 2)
TRIMERS = Vocabulary(AMINO_ACIDS, 3)
REDUCED_TETRAMERS = Vocabulary(MURPHY_10, 4)


def count_kmers(sequences: Sequence[str], vocabulary: Vocabulary) -> csr_array:
    """Count the words of each sequence.

    Parameters
    ----------
    sequences
        Amino-acid strings, case ignored. A window that holds a residue of no group is skipped.
    vocabulary
        The words to count.

    Returns
    -------
    counts
        float32, shape ``(n, vocabulary.size)``, column indices ascending within a row. The column of a word is its
        letters' group numbers read as digits, the first letter the most significant.
    """
    letters = _letters(sequences, vocabulary.alphabet)
    words, is_complete = _words(letters, vocabulary)
    rows = np.repeat(np.arange(len(sequences), dtype=np.int32), [len(sequence) + 1 for sequence in sequences])
    cells = (rows[: len(words)][is_complete], words[is_complete])
    ones = np.ones(len(cells[0]), dtype=np.float32)
    return coo_array((ones, cells), shape=(len(sequences), vocabulary.size)).tocsr()


def _letters(sequences: Sequence[str], alphabet: Alphabet) -> NDArray[np.int32]:
    """Replace each residue by the number of its group, -1 for a non-standard one and after each sequence."""
    text = "".join(sequence + _SEPARATOR for sequence in sequences)
    residues = np.frombuffer(text.encode("ascii", errors="replace"), dtype=np.uint8)
    return _group_of_byte(alphabet)[residues]


def _group_of_byte(alphabet: Alphabet) -> NDArray[np.int32]:
    """Map each byte to the group of the residue it stands for, shape ``(256,)``."""
    table = np.full(256, -1, dtype=np.int32)
    for number, group in enumerate(alphabet.groups):
        for residue in group + group.lower():
            table[ord(residue)] = number
    return table


def _words(letters: NDArray[np.int32], vocabulary: Vocabulary) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Read every window as a word's number, and say which windows are free of -1."""
    n_windows = max(len(letters) - vocabulary.k + 1, 0)
    words = np.zeros(n_windows, dtype=np.int32)
    is_complete = np.ones(n_windows, dtype=np.bool_)
    for offset in range(vocabulary.k):
        letter = letters[offset : offset + n_windows]
        words = words * len(vocabulary.alphabet.groups) + letter
        is_complete &= letter >= 0
    return words, is_complete
