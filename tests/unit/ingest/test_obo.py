from __future__ import annotations

from collections import Counter

import pytest

from protea_common.domain.ontology import Aspect, GoGraph, Relation, Term
from protea_ingest.domain.obo import OboFormatError, OntologyDocument, parse_obo
from support.data_files import DEMO_DATA, EDGE_CASES, read_lines

HEADER = "format-version: 1.2\ndata-version: releases/2024-01-17\nontology: go\n\n"


def term(go_id: str, *lines: str, namespace: str = "biological_process") -> str:
    return "\n".join(["[Term]", f"id: {go_id}", f"name: name of {go_id}", f"namespace: {namespace}", *lines, "", ""])


def parse(*stanzas: str, header: str = HEADER) -> OntologyDocument:
    return parse_obo((header + "".join(stanzas)).splitlines(keepends=True))


@pytest.fixture(scope="module")
def full_go() -> OntologyDocument:
    return parse_obo(read_lines(DEMO_DATA / "go_2019-01-27.obo.gz"))


@pytest.fixture(scope="module")
def graph(full_go: OntologyDocument) -> GoGraph:
    return GoGraph.build(full_go.live_terms(), full_go.relations)


def test_term_with_all_that_is_kept() -> None:
    document = parse(
        """[Term]
id: GO:0000003
name: reproduction
namespace: biological_process
alt_id: GO:0019952
alt_id: GO:0050876
def: "The production of new individuals." [GOC:go_curators, "not: this"]
comment: not kept
xref: Wikipedia:Reproduction
""",
        term("GO:0000005", "is_obsolete: true", "replaced_by: GO:0000003", "consider: GO:1", "consider: GO:2"),
    )

    assert document.data_version == "releases/2024-01-17"
    assert document.terms == (
        Term(
            go_id="GO:0000003",
            name="reproduction",
            aspect=Aspect.BIOLOGICAL_PROCESS,
            definition="The production of new individuals.",
            is_obsolete=False,
            alt_ids=("GO:0019952", "GO:0050876"),
            replaced_by=(),
            consider=(),
        ),
        Term(
            go_id="GO:0000005",
            name="name of GO:0000005",
            aspect=Aspect.BIOLOGICAL_PROCESS,
            definition=None,
            is_obsolete=True,
            alt_ids=(),
            replaced_by=("GO:0000003",),
            consider=("GO:1", "GO:2"),
        ),
    )
    assert document.live_terms() == [("GO:0000003", Aspect.BIOLOGICAL_PROCESS)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (r'"the \"cap\" structure" [X]', 'the "cap" structure'),
        (r'"one\ntwo" []', "one\ntwo"),
        (r'"a\, b\: c\! \{d\}" []', "a, b: c! {d}"),
        (r'"back\\slash" []', r"back\slash"),
        (r'"back\\" [X "y"]', "back\\"),
        ('"" []', ""),
        ('"left open', None),
        ("no quotes", None),
    ],
)
def test_definition_is_the_first_quoted_text_without_escapes(written: str, expected: str | None) -> None:
    assert parse(term("GO:0000001", f"def: {written}")).terms[0].definition == expected


def test_definition_left_open_is_not_searched_twice() -> None:
    document = parse(term("GO:0000001", 'def: "' + "a" * 100_000 + r"\n" * 100))

    assert document.terms[0].definition is None


def test_stored_relations_are_kept_without_comments_and_modifiers() -> None:
    document = parse(
        term("GO:0000001"),
        term(
            "GO:0000002",
            "is_a: GO:0000001 ! name of GO:0000001",
            'is_a: GO:0000001 {source="x"} ! once more',
            "relationship: part_of GO:0000001 {is_inferred=true}",
            "relationship: has_part GO:0000001",
            "intersection_of: regulates GO:0000001",
            "relationship: capable_of_part_of GO:0000001",
        ),
    )

    assert document.relations == (
        Relation("GO:0000002", "GO:0000001", "is_a"),
        Relation("GO:0000002", "GO:0000001", "part_of"),
        Relation("GO:0000002", "GO:0000001", "capable_of_part_of"),
    )
    assert document.dropped_relations == 0


def test_relations_to_terms_that_are_not_in_the_file_are_dropped_and_counted() -> None:
    document = parse(
        term("GO:0000001", "is_a: GO:9999999", "relationship: occurs_in CL:0000000", "relationship: part_of")
    )

    assert document.relations == ()
    assert document.dropped_relations == 3


def test_terms_of_other_ontologies_and_other_stanzas_are_passed_over() -> None:
    typedef = "[Typedef]\nid: GO:0000009\nname: part_of\nnamespace: external\n\n"

    document = parse(typedef, term("CHEBI:1", namespace="chebi"), term("GO:0000001"), typedef)

    assert [term.go_id for term in document.terms] == ["GO:0000001"]


def test_obsolete_term_may_lack_its_namespace() -> None:
    document = parse(term("GO:0000001"), "[Term]\nid: GO:0000002\nname: gone\nis_obsolete: true\n")

    assert document.terms[1].aspect is None
    assert len(document.live_terms()) == 1


@pytest.mark.parametrize("header", ["format-version: 1.2\n\n", "data-version:\n\n", ""])
def test_missing_data_version_is_refused(header: str) -> None:
    with pytest.raises(OboFormatError, match="data-version"):
        parse(term("GO:0000001"), header=header)


def test_data_version_below_the_header_does_not_count() -> None:
    with pytest.raises(OboFormatError, match="data-version"):
        parse(term("GO:0000001", "data-version: releases/2024-01-17"), header="ontology: go\n")


@pytest.mark.parametrize("stanza", ["", term("FOO:0000001")])
def test_file_without_go_terms_is_refused(stanza: str) -> None:
    with pytest.raises(OboFormatError, match="GO identifier"):
        parse(stanza)


def test_identifier_given_twice_is_refused() -> None:
    with pytest.raises(OboFormatError) as caught:
        parse(term("GO:0000001"), term("GO:0000002"), term("GO:0000001"))

    assert caught.value.go_id == "GO:0000001"


@pytest.mark.parametrize("namespace", ["gene_ontology", "P", ""])
def test_live_term_of_unknown_namespace_is_refused(namespace: str) -> None:
    with pytest.raises(OboFormatError, match="GO:0000001: namespace") as caught:
        parse(term("GO:0000001", namespace=namespace))

    assert "cellular_component" in str(caught.value)


def test_real_slim_without_data_version_is_refused() -> None:
    with pytest.raises(OboFormatError, match="data-version"):
        parse_obo(read_lines(EDGE_CASES / "goslim_generic_excerpt.obo"))


def test_real_slim_cut_short_drops_relations_to_what_is_missing() -> None:
    """Counted with awk: 45 edges of stored types, 29 of them to one of the 30 terms; 18 alt_id lines."""
    lines = ["data-version: excerpt", *read_lines(EDGE_CASES / "goslim_generic_excerpt.obo")]

    document = parse_obo(lines)

    assert len(document.terms) == 30
    assert len(document.relations) == 29
    assert document.dropped_relations == 16
    assert sum(len(term.alt_ids) for term in document.terms) == 18


def test_counts_of_the_full_go(full_go: OntologyDocument) -> None:
    """Terms and tags as counted by grep; the edges by type as counted over ``relationship:`` lines of the file."""
    assert full_go.data_version == "releases/2019-01-27"
    assert len(full_go.live_terms()) == 45_013
    assert sum(term.is_obsolete for term in full_go.terms) == 2_334
    assert sum(len(term.alt_ids) for term in full_go.terms) == 2_432
    assert sum(len(term.replaced_by) for term in full_go.terms) == 520
    assert sum(bool(term.consider) for term in full_go.terms) == 983
    assert full_go.dropped_relations == 0
    assert Counter(relation.relation_type for relation in full_go.relations) == {
        "is_a": 77_189,
        "part_of": 7_942,
        "regulates": 3_575,
        "positively_regulates": 3_105,
        "negatively_regulates": 3_126,
        "occurs_in": 192,
    }


def test_escaped_definition_of_the_full_go(full_go: OntologyDocument) -> None:
    definitions = [term.definition for term in full_go.terms if term.definition is not None]

    assert any('"Cap structure"' in definition for definition in definitions)
    assert not any("\\" in definition for definition in definitions)


def test_graph_of_the_full_go_leaves_out_the_edges_across_aspects(full_go: OntologyDocument, graph: GoGraph) -> None:
    aspect_of = dict(full_go.live_terms())
    across = [
        relation
        for relation in full_go.relations
        if relation.relation_type == "part_of" and aspect_of[relation.child] is not aspect_of[relation.parent]
    ]

    assert len(across) == 1_090
    for relation in across:
        assert graph.row_of[relation.parent] not in graph.ancestors(graph.row_of[relation.child])


def test_full_go_has_one_root_per_aspect_above_all_its_terms(graph: GoGraph) -> None:
    roots = [row for row in range(len(graph.go_ids)) if graph.parents(row).size == 0]

    assert {graph.go_ids[row] for row in roots} == {"GO:0003674", "GO:0008150", "GO:0005575"}
    assert sum(graph.descendants(row).size + 1 for row in roots) == 45_013


def test_ancestors_of_atp_binding(graph: GoGraph) -> None:
    """Three of the steps QuickGO draws above GO:0005524, and nothing of another aspect."""
    ancestors = {graph.go_ids[row] for row in graph.ancestors(graph.row_of["GO:0005524"])}

    assert {"GO:0030554", "GO:0005488", "GO:0003674"} <= ancestors
    assert "GO:0008150" not in ancestors
