"""A FASTA record as the row of its protein."""

from __future__ import annotations

from typing import NamedTuple

from protea_common.domain.fasta import FastaRecord
from protea_common.domain.sequence import compute_sequence_hash, parse_isoform

__all__ = ["ProteinRow", "protein_row"]

_MAX_INTEGER = 2**31 - 1
"""Largest number of a PostgreSQL ``integer``."""


class ProteinRow(NamedTuple):
    """One protein with its sequence; residues stay out of ``repr``, so that no log shows them."""

    accession: str
    canonical_accession: str
    is_canonical: bool
    isoform_index: int | None
    entry_name: str | None
    reviewed: bool | None
    taxonomy_id: int | None
    organism: str | None
    gene_name: str | None
    length: int
    sequence_hash: str
    sequence: str

    def __repr__(self) -> str:
        return f"ProteinRow({self.accession}, {self.length} residues)"


def protein_row(record: FastaRecord) -> ProteinRow:
    """Derive the row of a record.

    A number that is too large for its column cannot be what it looks like: such a taxon is left out, and an accession
    with such a suffix (``run-20190101120000``) is no isoform.
    """
    canonical_accession, is_canonical, isoform_index = parse_isoform(record.accession)
    if isoform_index is not None and isoform_index > _MAX_INTEGER:
        canonical_accession, is_canonical, isoform_index = record.accession, True, None
    taxonomy_id = record.taxonomy_id
    return ProteinRow(
        accession=record.accession,
        canonical_accession=canonical_accession,
        is_canonical=is_canonical,
        isoform_index=isoform_index,
        entry_name=record.entry_name,
        reviewed=record.reviewed,
        taxonomy_id=None if taxonomy_id is None or taxonomy_id > _MAX_INTEGER else taxonomy_id,
        organism=record.organism,
        gene_name=record.gene_name,
        length=len(record.sequence),
        sequence_hash=compute_sequence_hash(record.sequence),
        sequence=record.sequence,
    )
