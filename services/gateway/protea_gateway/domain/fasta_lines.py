"""Proteins as FASTA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["FastaProtein", "fasta_entry"]

LINE_RESIDUES: Final = 60


@dataclass(frozen=True, slots=True)
class FastaProtein:
    """What an entry tells of a protein."""

    accession: str
    entry_name: str | None
    organism: str | None
    taxonomy_id: int | None
    sequence: str


def fasta_entry(protein: FastaProtein, categories: Sequence[str]) -> bytes:
    """Write an entry: accession, entry name, organism (OS=), taxon (OX=), and its categories in parentheses."""
    told = (
        protein.accession,
        protein.entry_name or "",
        f"({'|'.join(categories)})",
        f"OS={protein.organism}" if protein.organism else "",
        f"OX={protein.taxonomy_id}" if protein.taxonomy_id else "",
    )
    residues = protein.sequence
    pieces = (residues[start : start + LINE_RESIDUES] for start in range(0, len(residues), LINE_RESIDUES))
    lines = [f">{' '.join(filter(None, told))}", *pieces]
    return ("\n".join(lines) + "\n").encode()
