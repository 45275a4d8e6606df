"""Sequences in the letters of BLOSUM62, which knows neither selenocysteine, pyrrolysine nor ambiguous leucine."""

from __future__ import annotations

__all__ = ["alignable"]

_MATRIX_LETTERS = "ARNDCQEGHILKMFPSTWYVBZX*"

_NEAREST = {"U": "C", "O": "K", "J": "L"}


def _table() -> bytes:
    table = bytearray(b"X" * 256)
    for letter in _MATRIX_LETTERS + "".join(_NEAREST):
        table[ord(letter)] = table[ord(letter.lower())] = ord(_NEAREST.get(letter, letter))
    return bytes(table)


_TABLE = _table()


def alignable(sequence: str) -> bytes:
    """Spell a sequence in the letters of BLOSUM62, one byte a residue.

    Lower case counts as upper case. Selenocysteine U is aligned as cysteine C, pyrrolysine O as lysine K and J, leucine
    or isoleucine, as leucine L. B, Z, X and the stop ``*`` have rows of their own in the matrix and stay. Every other
    character becomes X, unknown.
    """
    return sequence.encode("ascii", errors="replace").translate(_TABLE)
