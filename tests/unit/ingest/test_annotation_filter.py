from __future__ import annotations

from protea_ingest.domain.annotation_filter import AnnotationFilter, AnnotationRow, Misfit, TermIds
from protea_ingest.domain.gaf import GafRow


def gaf_row(accession: str, go_id: str, qualifier: str | None = None) -> GafRow:
    return GafRow(accession, go_id, "IDA", qualifier, "PMID:1", "UniProtKB:Q1", "20180102", "UniProt")


def term_ids() -> TermIds:
    terms = TermIds()
    terms.add("GO:0000001", 10, is_obsolete=False, alt_ids=["GO:0000011", "GO:0000012"])
    terms.add("GO:0000002", 20, is_obsolete=False, alt_ids=["GO:0000012"])
    terms.add("GO:0000003", 30, is_obsolete=True, alt_ids=["GO:0000013"])
    return terms


def test_a_row_of_a_known_protein_and_a_live_term_is_kept_with_all_its_columns() -> None:
    fitting = AnnotationFilter(term_ids())

    kept = fitting.keep([gaf_row("P1", "GO:0000002", "NOT|involved_in")], {"P1"})

    assert kept == [
        AnnotationRow(
            protein_accession="P1",
            go_term_id=20,
            qualifier="NOT|involved_in",
            is_negated=True,
            evidence_code="IDA",
            assigned_by="UniProt",
            db_reference="PMID:1",
            with_from="UniProtKB:Q1",
            annotation_date="20180102",
        )
    ]
    assert not fitting.rejects


def test_a_merged_identifier_is_read_as_the_live_term_and_counted() -> None:
    fitting = AnnotationFilter(term_ids())

    (kept,) = fitting.keep([gaf_row("P1", "GO:0000011")], {"P1"})

    assert (kept.go_term_id, fitting.remapped_alt_ids) == (10, 1)


def test_of_two_terms_with_the_same_merged_identifier_the_first_counts() -> None:
    (kept,) = AnnotationFilter(term_ids()).keep([gaf_row("P1", "GO:0000012")], {"P1"})

    assert kept.go_term_id == 10


def test_what_does_not_fit_is_counted_by_its_first_reason() -> None:
    fitting = AnnotationFilter(term_ids())

    kept = fitting.keep(
        [
            gaf_row("P9", "GO:9999999"),
            gaf_row("P1", "GO:9999999"),
            gaf_row("P1", "GO:0000003"),
            gaf_row("P1", "GO:0000013"),
        ],
        {"P1"},
    )

    assert kept == []
    assert fitting.rejects == {Misfit.UNKNOWN_PROTEIN: 1, Misfit.UNKNOWN_GO_ID: 2, Misfit.OBSOLETE_TERM: 1}
    assert fitting.remapped_alt_ids == 0


def test_counts_grow_from_chunk_to_chunk() -> None:
    fitting = AnnotationFilter(term_ids())

    for _ in range(2):
        fitting.keep([gaf_row("P9", "GO:0000001"), gaf_row("P1", "GO:0000011")], {"P1"})

    assert (fitting.rejects, fitting.remapped_alt_ids) == ({Misfit.UNKNOWN_PROTEIN: 2}, 2)
