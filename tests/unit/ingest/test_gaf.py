from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protea_ingest.domain.gaf import GafFormatError, GafHeader, GafReader, GafRow, RejectReason, read_gaf
from support.data_files import DEMO_DATA, EDGE_CASES, read_lines

VERSION = "!gaf-version: 2.2"
COLUMNS = (
    "UniProtKB",
    "P12345",
    "abc",
    "NOT|involved_in",
    "GO:0005524",
    "PMID:1|GO_REF:2",
    "IDA",
    "UniProtKB:Q1",
    "F",
    "name",
    "syn",
    "protein",
    "taxon:9606",
    "20190114",
    "UniProt",
    "part_of(CL:1)",
    "UniProtKB:P12345-2",
)


def line(**changes: str) -> str:
    places = {
        "accession": 1,
        "qualifier": 3,
        "go_id": 4,
        "reference": 5,
        "evidence": 6,
        "with_from": 7,
        "day": 13,
        "by": 14,
    }
    columns = list(COLUMNS)
    for name, value in changes.items():
        columns[places[name]] = value
    return "\t".join(columns)


def drained(reader: GafReader) -> list[GafRow]:
    return list(reader)


def test_row_holds_what_an_annotation_stores() -> None:
    (row,) = read_gaf([VERSION, line()])

    assert row == GafRow(
        accession="P12345",
        go_id="GO:0005524",
        evidence_code="IDA",
        qualifier="NOT|involved_in",
        db_reference="PMID:1|GO_REF:2",
        with_from="UniProtKB:Q1",
        annotation_date="20190114",
        assigned_by="UniProt",
    )


def test_empty_optional_columns_are_none() -> None:
    (row,) = read_gaf([VERSION, line(qualifier="", reference="", with_from="", by="")])

    assert (row.qualifier, row.db_reference, row.with_from, row.assigned_by) == (None, None, None, None)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("n_columns", [15, 16, 17])
def test_fifteen_to_seventeen_columns_with_any_line_end_give_the_same_row(n_columns: int, end: str) -> None:
    (row,) = read_gaf([VERSION, "\t".join(COLUMNS[:n_columns]) + end])

    assert row.assigned_by == "UniProt"


def test_header_of_the_gene_ontology() -> None:
    reader = read_gaf(["!gaf-version: 2.2", "!", "!Generated-By: GOC", "! date-generated: 2024-01-17T12:00", line()])

    assert reader.header == GafHeader(
        gaf_version="2.2", date_generated="2024-01-17T12:00", generated_by="GOC", go_version=None
    )


def test_header_is_known_before_the_first_row_is_taken() -> None:
    reader = read_gaf([VERSION, line()])

    assert reader.header.gaf_version == "2.2"
    assert reader.data_lines == 0


def test_first_of_two_headers_counts_and_later_comments_are_passed_over() -> None:
    reader = read_gaf([VERSION, "!gaf-version: 2.0", line(), "!gaf-version: 1.0", "", line()])

    assert len(drained(reader)) == 2
    assert reader.header.gaf_version == "2.2"
    assert reader.data_lines == 2


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_supported_versions(version: str) -> None:
    assert len(drained(read_gaf([f"!gaf-version: {version}", line()]))) == 1


@pytest.mark.parametrize("version", ["1.0", "2", "3.0", ""])
def test_other_versions_are_refused(version: str) -> None:
    with pytest.raises(GafFormatError, match="not supported"):
        read_gaf([f"!gaf-version: {version}", line()])


@pytest.mark.parametrize("lines", [[], [line()], ["!Generated: 2019", line()], ["<html>"], [line(), VERSION]])
def test_file_without_version_above_its_annotations_is_refused(lines: list[str]) -> None:
    with pytest.raises(GafFormatError, match="no '!gaf-version:' line"):
        read_gaf(lines)


@pytest.mark.parametrize("lines", [[VERSION], [VERSION, "!comment", "", "\n"]])
def test_file_without_annotations_is_refused(lines: list[str]) -> None:
    with pytest.raises(GafFormatError, match="no annotation line"):
        read_gaf(lines)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("\t".join(COLUMNS[:14]), RejectReason.SHORT_LINE),
        ("some words", RejectReason.SHORT_LINE),
        (line(accession=""), RejectReason.BAD_ACCESSION),
        (line(accession="P1 P2"), RejectReason.BAD_ACCESSION),
        (line(go_id=""), RejectReason.BAD_GO_ID),
        (line(go_id="GO:000552"), RejectReason.BAD_GO_ID),
        (line(go_id="GO:00055245"), RejectReason.BAD_GO_ID),
        (line(go_id="GO:000552x"), RejectReason.BAD_GO_ID),
        (line(go_id="go:0005524"), RejectReason.BAD_GO_ID),
        (line(go_id="GO:000552٤"), RejectReason.BAD_GO_ID),
        (line(evidence=""), RejectReason.MISSING_EVIDENCE_CODE),
        (line(day=""), RejectReason.BAD_DATE),
        (line(day="2019-01-14"), RejectReason.BAD_DATE),
        (line(day="2019-W03"), RejectReason.BAD_DATE),
        (line(day="20190230"), RejectReason.BAD_DATE),
        (line(day="2019011٤"), RejectReason.BAD_DATE),
    ],
)
def test_bad_lines_are_left_out_and_counted_by_reason(bad: str, reason: RejectReason) -> None:
    reader = read_gaf([VERSION, line(), bad, line()])

    assert len(drained(reader)) == 2
    assert reader.data_lines == 3
    assert reader.rejects == {reason: 1}


def test_cutoff_takes_what_is_dated_strictly_before() -> None:
    days = ["20161231", "20170101", "20170102"]
    reader = read_gaf([VERSION, *(line(day=day) for day in days)], annotated_before=date(2017, 1, 1))

    assert [row.annotation_date for row in reader] == ["20161231"]
    assert reader.rejects == {RejectReason.AFTER_CUTOFF: 2}


def test_rows_stream_while_the_file_is_read() -> None:
    def endless() -> Iterator[str]:
        yield VERSION
        while True:
            yield line()

    rows = iter(read_gaf(endless()))

    assert [next(rows).accession for _ in range(3)] == ["P12345"] * 3


COLUMN_TEXT = st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), max_size=10)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"accession": COLUMN_TEXT.filter(bool), "evidence": COLUMN_TEXT.filter(bool), "with_from": COLUMN_TEXT},
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_is_written_is_read(annotations: list[dict[str, str]]) -> None:
    rows = read_gaf([VERSION, *(line(**annotation) for annotation in annotations)])

    read = [
        {"accession": row.accession, "evidence": row.evidence_code, "with_from": row.with_from or ""} for row in rows
    ]

    assert read == annotations


def test_fly_annotations() -> None:
    reader = read_gaf(read_lines(DEMO_DATA / "fly_annotations.gaf.gz"))

    rows = drained(reader)

    assert len(rows) == reader.data_lines == 55_572
    assert len({row.accession for row in rows}) == 3_115
    assert not reader.rejects
    assert reader.header == GafHeader(
        gaf_version="2.1",
        date_generated="2019-01-14 09:46",
        generated_by=None,
        go_version="http://purl.obolibrary.org/obo/go/releases/2019-01-11/extensions/go-plus.owl",
    )


def test_fly_annotations_before_2018() -> None:
    """Counted with awk over column 14: 43,171 of 55,572."""
    reader = read_gaf(read_lines(DEMO_DATA / "fly_annotations.gaf.gz"), annotated_before=date(2018, 1, 1))

    assert len(drained(reader)) == 43_171
    assert reader.rejects == {RejectReason.AFTER_CUTOFF: 55_572 - 43_171}


def test_real_rows_with_extensions_and_isoform_forms_keep_the_canonical_accession() -> None:
    """Counted with awk: 77 terms and 2 rows with NOT in 100 rows."""
    rows = drained(read_gaf(read_lines(EDGE_CASES / "mgi_columns_16_17_excerpt.gaf")))

    assert len(rows) == 100
    assert all(row.accession.startswith("MGI:") and row.assigned_by == "MGI" for row in rows)
    assert len({row.go_id for row in rows}) == 77
    assert [row.qualifier for row in rows].count("NOT") == 2
