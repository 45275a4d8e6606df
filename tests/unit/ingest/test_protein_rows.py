from __future__ import annotations

import hashlib

import pytest

from protea_common.domain.fasta import FastaRecord
from protea_ingest.domain.protein_rows import ProteinRow, protein_row


def record(accession: str = "P12345-2", *, taxonomy_id: int | None = 7227) -> FastaRecord:
    return FastaRecord(
        accession=accession,
        sequence="MKVLAA",
        entry_name="ABC_DROME",
        reviewed=True,
        organism="Drosophila melanogaster",
        taxonomy_id=taxonomy_id,
        gene_name="abc",
        description="Protein abc",
    )


def test_an_isoform_is_a_protein_of_its_canonical_accession() -> None:
    assert protein_row(record()) == ProteinRow(
        accession="P12345-2",
        canonical_accession="P12345",
        is_canonical=False,
        isoform_index=2,
        entry_name="ABC_DROME",
        reviewed=True,
        taxonomy_id=7227,
        organism="Drosophila melanogaster",
        gene_name="abc",
        length=6,
        sequence_hash=hashlib.md5(b"MKVLAA", usedforsecurity=False).hexdigest(),
        sequence="MKVLAA",
    )


@pytest.mark.parametrize(
    ("accession", "expected"),
    [
        ("P12345", ("P12345", True, None)),
        ("A-B-2147483647", ("A-B", False, 2_147_483_647)),
        ("run-20190101120000", ("run-20190101120000", True, None)),
    ],
)
def test_a_suffix_too_large_for_its_column_is_no_isoform(
    accession: str, expected: tuple[str, bool, int | None]
) -> None:
    row = protein_row(record(accession))

    assert (row.canonical_accession, row.is_canonical, row.isoform_index) == expected


def test_a_taxon_too_large_for_its_column_is_left_out() -> None:
    assert protein_row(record(taxonomy_id=2**31)).taxonomy_id is None


def test_the_sequence_is_not_shown() -> None:
    assert "MKV" not in repr(protein_row(record()))
