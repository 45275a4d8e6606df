"""Amino-acid sequences as PROTEA compares them: normal form, legal letters, identity, isoform accessions."""

from __future__ import annotations

import hashlib
import string

__all__ = [
    "LEGAL_RESIDUES",
    "compute_sequence_hash",
    "illegal_residues",
    "normalise_sequence",
    "parse_isoform",
]

LEGAL_RESIDUES = frozenset("ACDEFGHIKLMNPQRSTVWY" + "BJOUXZ")
"""The 20 standard amino acids, selenocysteine U, pyrrolysine O and the ambiguity codes B, J, Z and X.

A letter less refuses real UniProt entries; a sign more (``-``, ``.``, ``*``) lets alignments in as sequences.
"""

_TO_UPPER = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)
_WITHOUT_LEGAL = str.maketrans("", "", "".join(sorted(LEGAL_RESIDUES)))


def normalise_sequence(text: str) -> str:
    """Bring a sequence to its normal form: upper case, no white space, one trailing stop ``*`` dropped.

    Only ASCII letters change case: ``str.upper`` would turn one foreign letter into two residues (``ß`` into ``SS``).
    """
    return "".join(text.split()).translate(_TO_UPPER).removesuffix("*")


def compute_sequence_hash(sequence: str) -> str:
    """MD5 of a normalised sequence as 32 lower-case hex digits; it finds rows, equality of the string decides."""
    return hashlib.md5(sequence.encode(), usedforsecurity=False).hexdigest()


def illegal_residues(sequence: str, *, limit: int = 3) -> list[tuple[int, str]]:
    """List the first characters of a normalised sequence that are no residue.

    Parameters
    ----------
    sequence
        Normalised sequence.
    limit
        Most characters to list, at least 1.

    Returns
    -------
    found
        ``(position, character)`` in order, positions 1-based; empty when the sequence is legal.
    """
    if not sequence.translate(_WITHOUT_LEGAL):
        return []
    found = ((position, char) for position, char in enumerate(sequence, start=1) if char not in LEGAL_RESIDUES)
    return [hit for hit, _ in zip(found, range(limit), strict=False)]


def parse_isoform(accession: str) -> tuple[str, bool, int | None]:
    """Split an isoform accession at its last hyphen.

    Returns
    -------
    canonical_accession, is_canonical, isoform_index
        ``("P12345", False, 2)`` for ``P12345-2``; an accession that does not end in a hyphen and digits is its own
        canonical accession, ``(accession, True, None)``.

    References
    ----------
    UniProt, "Alternative products": isoform identifiers are the accession, a hyphen and a number.
    """
    canonical, _, index = accession.rpartition("-")
    if canonical and index.isascii() and index.isdecimal():
        return canonical, False, int(index)
    return accession, True, None
