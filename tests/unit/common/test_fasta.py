from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protea_common.domain.fasta import (
    MAX_ACCESSION_CHARACTERS,
    DuplicateAccessionError,
    FastaFormatError,
    FastaLimitError,
    FastaLimits,
    FastaRecord,
    read_fasta,
)
from protea_common.domain.sequence import LEGAL_RESIDUES, compute_sequence_hash
from support.data_files import DEMO_DATA, EDGE_CASES, read_lines

LIMITS = FastaLimits(max_records=100_000, max_residues_per_sequence=50_000, max_total_residues=100_000_000)


def read(text: str, limits: FastaLimits = LIMITS) -> list[FastaRecord]:
    return list(read_fasta(text.splitlines(keepends=True), limits=limits))


def read_header(header: str) -> FastaRecord:
    (record,) = read(f">{header}\nMKV\n")
    return record


def fault_of(text: str, limits: FastaLimits = LIMITS) -> FastaFormatError:
    with pytest.raises(FastaFormatError) as caught:
        read(text, limits)
    return caught.value


def test_uniprot_header_is_taken_apart() -> None:
    record = read_header(
        "sp|P38398|BRCA1_HUMAN Breast cancer type 1 susceptibility protein OS=Homo sapiens OX=9606 GN=BRCA1 PE=1 SV=2"
    )

    assert record == FastaRecord(
        accession="P38398",
        sequence="MKV",
        entry_name="BRCA1_HUMAN",
        reviewed=True,
        organism="Homo sapiens",
        taxonomy_id=9606,
        gene_name="BRCA1",
        description="Breast cancer type 1 susceptibility protein",
    )


def test_trembl_is_not_reviewed_and_isoforms_keep_their_suffix() -> None:
    assert read_header("tr|A0A024|A0A024_HUMAN Uncharacterised OS=Homo sapiens").reviewed is False
    assert read_header("sp|P38398-2|BRCA1_HUMAN Isoform 2 of BRCA1 OS=Homo sapiens").accession == "P38398-2"


def test_organism_ends_at_the_next_key() -> None:
    record = read_header("sp|P0A7|X_ECOLI Name OS=Escherichia coli (strain K12 / a=b) OX=83333 PE=1")

    assert record.organism == "Escherichia coli (strain K12 / a=b)"
    assert record.taxonomy_id == 83333


def test_gene_name_is_the_first_word_and_a_taxon_without_digits_is_none() -> None:
    record = read_header("P1 Name OX=unknown GN=abc def")

    assert record.gene_name == "abc"
    assert record.taxonomy_id is None


def test_bare_header_of_the_fly_file() -> None:
    record = read_header("A0A1F4 Protein eyes shut OX=7227 GN=eys")

    assert (record.accession, record.description, record.taxonomy_id, record.gene_name) == (
        "A0A1F4",
        "Protein eyes shut",
        7227,
        "eys",
    )
    assert record.reviewed is None
    assert record.entry_name is None


@pytest.mark.parametrize(
    ("header", "accession"),
    [
        ("gi|15676103|ref|NP_273234.1| hypothetical protein", "NP_273234.1"),
        ("gi|129295|sp|P01013|OVAX_CHICK GENE X PROTEIN", "P01013"),
        ("gi|15676103", "15676103"),
        ("ref|NP_273234.1|", "NP_273234.1"),
        ("gb|AAA12345.1| x", "AAA12345.1"),
        ("pir||S12345 x", "S12345"),
        ("pdb|1A22|B Chain B", "1A22_B"),
        ("lcl|mine x", "mine"),
        ("gnl|mydb|seq7 x", "mydb|seq7"),
        ("NP_000001.1 some protein", "NP_000001.1"),
        ("ENSP0001.2|ENST0002.3|ENSG0003 x", "ENSP0001.2|ENST0002.3|ENSG0003"),
        ("P12345\tname", "P12345"),
        ("sp|", ""),
    ],
)
def test_accession_in_each_header_style(header: str, accession: str) -> None:
    if accession:
        assert read_header(header).accession == accession
    else:
        assert "names no accession" in str(fault_of(f">{header}\nMKV\n"))


@pytest.mark.parametrize(
    ("text", "description", "organism"),
    [
        ("insulin [Homo sapiens]", "insulin", "Homo sapiens"),
        ("[acyl-carrier] reductase [Escherichia coli]", "[acyl-carrier] reductase", "Escherichia coli"),
        ("kinase [[Clostridium] scindens]", "kinase", "[Clostridium] scindens"),
        ("insulin [Homo sapiens]\x01NP_2.1 insulin [Pan paniscus]", "insulin", "Homo sapiens"),
        ("[gene=ins] [gbkey=CDS]", "[gene=ins] [gbkey=CDS]", None),
        ("odd] brackets]", "odd] brackets]", None),
        ("nothing []", "nothing []", None),
        ("", "", None),
    ],
)
def test_ncbi_organism_stands_in_the_last_brackets(text: str, description: str, organism: str | None) -> None:
    record = read_header(f"NP_1.1 {text}")

    assert (record.description, record.organism) == (description, organism)


def test_sequence_lines_are_joined_and_normalised() -> None:
    (first, second) = read("\n>A\nmkv ll\r\n\nAA*\n>B\nG\n\n")

    assert (first.sequence, second.sequence) == ("MKVLLAA", "G")


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_empty_input_is_refused(text: str) -> None:
    assert "empty" in str(fault_of(text))


@pytest.mark.parametrize("text", ["MKV\n", "\n\nMKV\n>A\nMKV\n", "<html>\n", "\x89PNG\x1a\n"])
def test_text_before_the_first_header_is_refused_with_its_line(text: str) -> None:
    fault = fault_of(text)

    assert "'>'" in str(fault)
    assert fault.line == (3 if text.startswith("\n") else 1)


@pytest.mark.parametrize("header", [">", "> ", ">  \t"])
def test_header_without_accession_is_refused(header: str) -> None:
    fault = fault_of(f">A\nMKV\n{header}\nMKV\n")

    assert fault.line == 3
    assert "names no accession" in str(fault)


@pytest.mark.parametrize("accession", ["A" * (MAX_ACCESSION_CHARACTERS + 1), "A\x07B"])
def test_unusable_accession_is_refused(accession: str) -> None:
    assert "is no accession" in str(fault_of(f">{accession}\nMKV\n"))


@pytest.mark.parametrize("text", [">A\nMKV\n>B\n>C\nMKV\n", ">A\nMKV\n>B\n", ">A\nMKV\n>B\n *\n"])
def test_header_without_sequence_is_refused(text: str) -> None:
    fault = fault_of(text)

    assert (fault.line, fault.accession) == (3, "B")
    assert str(fault).startswith("FASTA line 3, B: the header has no sequence")


def test_illegal_residues_are_named_with_their_positions() -> None:
    fault = fault_of(">A\nMKV\n>B\nMK-V\nL.V*A\n")

    assert (fault.line, fault.accession) == (3, "B")
    assert "'-' at 3, '.' at 6, '*' at 8" in str(fault)


def test_second_record_of_an_accession_is_refused() -> None:
    fault = fault_of(">sp|P1|X_Y a\nMKV\n>Q2\nMKV\n>P1 b\nGGG\n")

    assert isinstance(fault, DuplicateAccessionError)
    assert (fault.line, fault.accession) == (5, "P1")


def test_too_many_records_are_refused_at_the_first_over_the_limit() -> None:
    limits = replace(LIMITS, max_records=2)

    assert len(read(">A\nM\n>B\nM\n", limits)) == 2
    fault = fault_of(">A\nM\n>B\nM\n>C\nM\n", limits)
    assert isinstance(fault, FastaLimitError)
    assert (fault.line, fault.accession, fault.status) == (5, "C", 413)


@pytest.mark.parametrize("sequence", ["MKVLA", "MK VL A", "MKV\nLA", "MKVLA*", "MK\nVLA *"])
def test_sequence_of_exactly_the_limit_is_read_however_it_is_written(sequence: str) -> None:
    limits = replace(LIMITS, max_residues_per_sequence=5)

    assert read(f">A\n{sequence}\n", limits)[0].sequence == "MKVLA"


@pytest.mark.parametrize("sequence", ["MKVLAA", "MKV\nLAA", "MKVLAAA", "MKVLAA*"])
def test_sequence_over_the_limit_is_refused(sequence: str) -> None:
    fault = fault_of(f">A\nM\n>B\n{sequence}\n", replace(LIMITS, max_residues_per_sequence=5))

    assert isinstance(fault, FastaLimitError)
    assert (fault.line, fault.accession) == (3, "B")
    assert "longer than 5 residues" in str(fault)


def test_endless_sequence_is_refused_before_its_end() -> None:
    def endless() -> Iterator[str]:
        yield ">A"
        while True:
            yield "M" * 60

    with pytest.raises(FastaLimitError):
        next(read_fasta(endless(), limits=LIMITS))


def test_too_many_residues_in_all_are_refused() -> None:
    limits = replace(LIMITS, max_total_residues=5)

    assert len(read(">A\nMKV\n>B\nMK\n", limits)) == 2
    fault = fault_of(">A\nMKV\n>B\nMKV\n", limits)
    assert isinstance(fault, FastaLimitError)
    assert fault.accession == "B"


def test_records_before_a_fault_are_given_out() -> None:
    records = read_fasta([">A", "MKV", ">B"], limits=LIMITS)

    assert next(records).accession == "A"
    with pytest.raises(FastaFormatError):
        next(records)


@given(
    st.dictionaries(
        keys=st.text(alphabet=string.ascii_letters + string.digits + "_-.", min_size=1, max_size=20),
        values=st.text(alphabet=sorted(LEGAL_RESIDUES), min_size=1, max_size=150),
        min_size=1,
        max_size=8,
    ),
    st.integers(min_value=1, max_value=80),
)
def test_what_is_written_is_read_at_any_line_width(proteins: dict[str, str], width: int) -> None:
    lines = []
    for accession, sequence in proteins.items():
        lines.append(f">{accession} some words")
        lines += [sequence[start : start + width] for start in range(0, len(sequence), width)]

    records = list(read_fasta(lines, limits=LIMITS))

    assert {record.accession: record.sequence for record in records} == proteins


@given(st.lists(st.text(alphabet=">|[]= \t*-MKVOSX9", max_size=20), max_size=8))
def test_any_text_is_read_or_refused_as_fasta(lines: list[str]) -> None:
    try:
        records = list(read_fasta(lines, limits=LIMITS))
    except FastaFormatError:
        return
    assert all(record.accession and set(record.sequence) <= LEGAL_RESIDUES for record in records)


def test_fly_proteins() -> None:
    records = list(read_fasta(read_lines(DEMO_DATA / "fly_proteins.fasta.gz"), limits=LIMITS))

    assert len(records) == 3_115
    assert {record.taxonomy_id for record in records} == {7227}


def test_real_proteins_with_rare_residues_are_legal() -> None:
    records = list(read_fasta(read_lines(EDGE_CASES / "nonstandard_residues_excerpt.fasta"), limits=LIMITS))

    assert len(records) == 30
    for letter in "UOXBZ":
        assert sum(letter in record.sequence for record in records) >= 6


def test_real_peptides_of_two_to_six_residues_are_read() -> None:
    records = list(read_fasta(read_lines(EDGE_CASES / "very_short.fasta"), limits=LIMITS))

    assert len(records) == 83
    assert {len(record.sequence) for record in records} == {2, 3, 4, 5, 6}


def test_real_identical_sequences_share_a_hash() -> None:
    records = list(read_fasta(read_lines(EDGE_CASES / "identical_sequences_excerpt.fasta"), limits=LIMITS))

    assert len(records) == 12
    assert len({compute_sequence_hash(record.sequence) for record in records}) == 3


def test_real_file_with_an_accession_twice_is_refused() -> None:
    with pytest.raises(DuplicateAccessionError, match="P02135"):
        list(read_fasta(read_lines(EDGE_CASES / "duplicate_accession.fasta"), limits=LIMITS))
