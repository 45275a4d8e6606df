from __future__ import annotations

from collections import defaultdict

import numpy as np

from protea_common.domain.evidence import is_experimental, is_negated
from protea_common.domain.ontology import ASPECTS
from protea_evaluator.domain.annotation_table import AnnotationTable
from protea_evaluator.domain.knowledge import Category, Delta, split_by_knowledge
from protea_evaluator.domain.protein_terms import ProteinTerms
from support.evaluation import (
    BINDING,
    CATALYSIS,
    CELLULAR_PROCESS,
    KINASE,
    NUCLEOLUS,
    NUCLEUS,
    PHOSPHORYLATION,
    WITHIN_CELL,
    fly_delta,
    fly_rows,
    go_graph,
    small_graph,
    table,
)

GRAPH = small_graph()
NK, LK, PK = Category.NO_KNOWLEDGE, Category.LIMITED_KNOWLEDGE, Category.PARTIAL_KNOWLEDGE


def split(old: AnnotationTable, new: AnnotationTable) -> Delta:
    return split_by_knowledge(old, new, GRAPH)


def readable(delta: Delta, pairs: ProteinTerms) -> set[tuple[str, str]]:
    return {(delta.accessions[p], GRAPH.go_ids[t]) for p, t in zip(pairs.proteins, pairs.terms, strict=True)}


def gained(delta: Delta) -> dict[Category, set[tuple[str, str]]]:
    """Categories that hold something."""
    return {category: readable(delta, pairs) for category, pairs in delta.truth.items() if len(pairs)}


def test_a_protein_without_experimental_annotation_at_t0_is_of_no_knowledge_in_all_aspects() -> None:
    old = table(("P1", KINASE, "IEA"), ("P1", BINDING, "ISS"))
    new = table(("P1", KINASE, "IDA"), ("P1", NUCLEUS, "IMP"))

    delta = split(old, new)

    assert gained(delta) == {NK: {("P1", KINASE), ("P1", NUCLEUS)}}


def test_a_protein_is_of_limited_knowledge_in_one_aspect_and_of_partial_knowledge_in_another() -> None:
    old = table(("P1", BINDING), ("P1", NUCLEUS))
    new = table(("P1", BINDING), ("P1", NUCLEUS), ("P1", KINASE), ("P1", PHOSPHORYLATION))

    delta = split(old, new)

    assert gained(delta) == {LK: {("P1", PHOSPHORYLATION)}, PK: {("P1", KINASE)}}


def test_known_holds_the_old_terms_of_partial_aspects_only() -> None:
    old = table(("P1", BINDING), ("P1", CATALYSIS), ("P1", NUCLEUS), ("P2", BINDING))
    new = table(("P1", KINASE), ("P2", BINDING))

    delta = split(old, new)

    assert readable(delta, delta.known) == {("P1", BINDING), ("P1", CATALYSIS)}


def test_electronic_annotation_gained_is_no_truth() -> None:
    delta = split(table(), table(("P1", KINASE, "IEA"), ("P2", KINASE, "EXP")))

    assert gained(delta) == {NK: {("P2", KINASE)}}


def test_a_term_known_before_by_other_evidence_of_experiment_is_not_gained() -> None:
    delta = split(table(("P1", KINASE, "IMP")), table(("P1", KINASE, "IDA")))

    assert gained(delta) == {}
    assert delta.accessions == ()


def test_a_withdrawn_annotation_is_not_gained() -> None:
    assert gained(split(table(("P1", KINASE)), table())) == {}


def test_negation_takes_the_term_and_all_below_it_from_what_is_gained() -> None:
    new = table(("P1", NUCLEOLUS), ("P1", NUCLEUS), ("P1", WITHIN_CELL), ("P1", NUCLEUS, "IDA", "NOT|part_of"))

    assert gained(split(table(), new)) == {NK: {("P1", WITHIN_CELL)}}


def test_negation_at_t1_takes_the_term_from_what_was_known_at_t0() -> None:
    old = table(("P1", NUCLEOLUS))
    new = table(("P1", KINASE), ("P1", NUCLEUS, "IDA", "NOT"))

    assert gained(split(old, new)) == {NK: {("P1", KINASE)}}


def test_negation_at_t0_takes_the_term_from_what_is_gained() -> None:
    old = table(("P1", NUCLEUS, "IDA", "NOT"), ("P1", WITHIN_CELL))
    new = table(("P1", NUCLEOLUS), ("P1", KINASE), ("P1", WITHIN_CELL))

    assert gained(split(old, new)) == {LK: {("P1", KINASE)}}


def test_negation_counts_whatever_its_evidence() -> None:
    new = table(("P1", KINASE), ("P1", CATALYSIS, "IBA", "NOT"))

    assert gained(split(table(), new)) == {}


def test_negation_of_one_protein_leaves_another_alone() -> None:
    new = table(("P1", KINASE, "IDA", "NOT"), ("P2", KINASE))

    assert gained(split(table(), new)) == {NK: {("P2", KINASE)}}


def test_an_annotated_ancestor_of_a_known_term_counts_as_gained() -> None:
    delta = split(table(("P1", KINASE)), table(("P1", KINASE), ("P1", CATALYSIS)))

    assert gained(delta) == {PK: {("P1", CATALYSIS)}}


def test_a_merged_identifier_is_read_as_its_successor() -> None:
    old, new = table(("P1", "GO:0000001")), table(("P1", KINASE), ("P1", CELLULAR_PROCESS))

    delta = split_by_knowledge(old, new, GRAPH, live_ids={"GO:0000001": KINASE})

    assert gained(delta) == {LK: {("P1", CELLULAR_PROCESS)}}
    assert delta.unmapped_annotations == 0


def test_annotations_to_unknown_terms_are_left_out_and_counted() -> None:
    old = table(("P1", "GO:0000001"), ("P1", "GO:0000002", "IEA"))
    new = table(("P1", KINASE), ("P1", "GO:0000001"), ("P2", "GO:0000003", "IEA", "NOT"))

    delta = split(old, new)

    assert gained(delta) == {NK: {("P1", KINASE)}}
    assert delta.unmapped_annotations == 3  # all but the electronic one, which has no say anyway


def test_stats_count_proteins_and_pairs_of_each_category() -> None:
    old = table(("P2", BINDING), ("P2", CATALYSIS), ("P3", BINDING), ("P4", NUCLEUS))
    new = table(
        ("P1", KINASE), ("P1", NUCLEUS), ("P2", KINASE), ("P2", NUCLEUS), ("P3", NUCLEUS), ("P3", NUCLEOLUS)
    )  # fmt: skip

    assert split(old, new).stats == {
        "delta_proteins": 3,
        "nk_proteins": 1,
        "lk_proteins": 2,
        "pk_proteins": 1,
        "nk_annotations": 2,
        "lk_annotations": 3,
        "pk_annotations": 1,
        "known_terms_count": 2,
    }


def test_pairs_come_sorted_by_protein_aspect_and_term() -> None:
    new = table(("P2", BINDING), ("P1", NUCLEOLUS), ("P1", KINASE), ("P1", PHOSPHORYLATION), ("P1", BINDING))

    pairs = split(table(), new).truth[NK]

    rows = list(zip(pairs.proteins, pairs.aspects, pairs.terms, strict=True))
    assert rows == sorted(rows)
    assert [ASPECTS[aspect].code for aspect in pairs.aspects] == ["F", "F", "P", "C", "F"]


def test_empty_releases_give_an_empty_delta() -> None:
    delta = split(table(), table())

    assert delta.accessions == ()
    assert set(delta.stats.values()) == {0}


def test_the_fly_since_2017_splits_as_counted_before() -> None:
    # Other code counted 50, 174 and 761 in this file: it dropped negated rows, but left their terms in other rows.
    stats = fly_delta().stats

    assert (stats["nk_proteins"], stats["lk_proteins"], stats["pk_proteins"]) == (50, 174, 760)


def test_the_fly_splits_as_the_rules_read_on_plain_sets() -> None:
    graph = go_graph()
    releases = [list(fly_rows(until_t0=True)), list(fly_rows(until_t0=False))]
    negated: dict[str, set[int]] = defaultdict(set)
    for row in (row for rows in releases for row in rows if is_negated(row.qualifier)):
        term = graph.row_of[row.go_id]
        negated[row.accession] |= {term, *graph.descendants(term).tolist()}
    known: dict[str, set[int]] = defaultdict(set)
    then: dict[str, set[int]] = defaultdict(set)
    for positives, rows in zip((known, then), releases, strict=True):
        for row in rows:
            if is_experimental(row.evidence_code) and graph.row_of[row.go_id] not in negated[row.accession]:
                positives[row.accession].add(graph.row_of[row.go_id])
    expected: dict[Category, set[tuple[str, int]]] = {category: set() for category in Category}
    for accession, terms in then.items():
        known_aspects = {graph.aspects[term] for term in known[accession]}
        for term in terms - known[accession]:
            partial_or_limited = PK if graph.aspects[term] in known_aspects else LK
            expected[partial_or_limited if known_aspects else NK].add((accession, term))

    delta = fly_delta()

    for category, pairs in delta.truth.items():
        accessions = np.array(delta.accessions)[pairs.proteins].tolist()
        assert set(zip(accessions, pairs.terms.tolist(), strict=True)) == expected[category]
