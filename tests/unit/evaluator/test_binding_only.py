"""CAFA's rule for proteins that gained protein binding alone, by hand and against the rule in plain words."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from protea_common.domain.ontology import ASPECTS, Aspect, GoGraph
from protea_evaluator.domain.annotation_table import AnnotationTable
from protea_evaluator.domain.binding_only import drop_binding_only
from protea_evaluator.domain.knowledge import Category, Delta, split_by_knowledge
from protea_evaluator.domain.protein_terms import ProteinTerms
from support.binding import IDENTICAL_BINDING, IONS, PROTEINS, binding_graph
from support.evaluation import (
    BINDING,
    CATALYSIS,
    FUNCTION,
    KINASE,
    NUCLEUS,
    PHOSPHORYLATION,
    WITHIN_CELL,
    fly_delta,
    go_graph,
    small_graph,
    table,
)

GRAPH = binding_graph()
NK, LK, PK = Category.NO_KNOWLEDGE, Category.LIMITED_KNOWLEDGE, Category.PARTIAL_KNOWLEDGE

Pairs = set[tuple[str, str]]
Readable = tuple[dict[Category, Pairs], Pairs]


def readable(delta: Delta, graph: GoGraph = GRAPH) -> Readable:
    """Categories that hold something, and what is known."""

    def named(pairs: ProteinTerms) -> Pairs:
        return {(delta.accessions[p], graph.go_ids[t]) for p, t in zip(pairs.proteins, pairs.terms, strict=True)}

    return {category: named(pairs) for category, pairs in delta.truth.items() if len(pairs)}, named(delta.known)


def dropped(old: AnnotationTable, new: AnnotationTable, *, closes: bool = False) -> Delta:
    return drop_binding_only(split_by_knowledge(old, new, GRAPH, closes=closes), GRAPH)


def test_a_protein_that_gained_protein_binding_alone_is_no_target() -> None:
    delta = dropped(table(), table(("P1", PROTEINS), ("P2", KINASE)))

    assert readable(delta) == ({NK: {("P2", KINASE)}}, set())
    assert delta.accessions == ("P2",)
    assert delta.stats == {
        "delta_proteins": 1,
        "nk_proteins": 1,
        "lk_proteins": 0,
        "pk_proteins": 0,
        "nk_annotations": 1,
        "lk_annotations": 0,
        "pk_annotations": 0,
        "known_terms_count": 0,
        "binding_only_proteins": 1,
        "binding_only_annotations": 1,
    }


def test_terms_above_protein_binding_do_not_save_it() -> None:
    delta = dropped(table(), table(("P1", PROTEINS), ("P1", BINDING), ("P1", FUNCTION)))

    assert readable(delta) == ({}, set())
    assert delta.left_out == {"binding_only_proteins": 1, "binding_only_annotations": 3}


def test_terms_above_protein_binding_without_it_stay() -> None:
    delta = dropped(table(), table(("P1", BINDING), ("P2", FUNCTION)))

    assert readable(delta) == ({NK: {("P1", BINDING), ("P2", FUNCTION)}}, set())


def test_a_term_below_protein_binding_is_another_annotation_and_all_stays() -> None:
    new = table(("P1", PROTEINS), ("P1", IDENTICAL_BINDING), ("P2", IDENTICAL_BINDING))

    delta = dropped(table(), new)

    assert readable(delta) == (
        {NK: {("P1", PROTEINS), ("P1", IDENTICAL_BINDING), ("P2", IDENTICAL_BINDING)}},
        set(),
    )
    assert delta.left_out == {"binding_only_proteins": 0, "binding_only_annotations": 0}


def test_another_function_saves_protein_binding() -> None:
    gained = {("P1", PROTEINS), ("P1", KINASE), ("P2", PROTEINS), ("P2", IONS)}

    assert readable(dropped(table(), table(*gained))) == ({NK: gained}, set())


def test_what_was_gained_in_other_aspects_stays_and_saves_nothing() -> None:
    delta = dropped(table(), table(("P1", PROTEINS), ("P1", NUCLEUS), ("P1", PHOSPHORYLATION)))

    assert readable(delta) == ({NK: {("P1", NUCLEUS), ("P1", PHOSPHORYLATION)}}, set())
    assert delta.accessions == ("P1",)


def test_in_limited_knowledge_other_aspects_keep_their_category() -> None:
    old = table(("P1", NUCLEUS))
    new = table(("P1", NUCLEUS), ("P1", PROTEINS), ("P1", PHOSPHORYLATION), ("P2", PROTEINS))

    assert readable(dropped(old, new)) == ({LK: {("P1", PHOSPHORYLATION)}}, set())


def test_in_partial_knowledge_a_function_known_before_does_not_save_it_and_leaves_the_known_terms() -> None:
    old = table(("P1", KINASE), ("P1", WITHIN_CELL), ("P2", KINASE), ("P2", WITHIN_CELL), ("P3", KINASE))
    new = table(
        ("P1", PROTEINS), ("P1", NUCLEUS), ("P2", PROTEINS), ("P3", PROTEINS), ("P3", IONS), ("P2", PHOSPHORYLATION)
    )

    delta = dropped(old, new)

    # P1 is left with its compartment, P2 with its process, which is of limited knowledge; P3 loses nothing.
    assert readable(delta) == (
        {LK: {("P2", PHOSPHORYLATION)}, PK: {("P1", NUCLEUS), ("P3", PROTEINS), ("P3", IONS)}},
        {("P1", WITHIN_CELL), ("P3", KINASE)},
    )
    assert delta.accessions == ("P1", "P2", "P3")
    assert delta.left_out == {"binding_only_proteins": 2, "binding_only_annotations": 2}


def test_protein_binding_known_before_is_no_gain_to_be_dropped() -> None:
    old = table(("P1", PROTEINS))

    delta = dropped(old, table(("P1", PROTEINS), ("P1", BINDING)))

    assert readable(delta) == ({PK: {("P1", BINDING)}}, {("P1", PROTEINS)})


def test_with_terms_closed_the_ancestors_that_come_along_are_dropped_too() -> None:
    old = table(("P1", CATALYSIS))

    delta = dropped(old, table(("P1", CATALYSIS), ("P1", PROTEINS), ("P2", IDENTICAL_BINDING)), closes=True)

    above = {("P2", go_id) for go_id in (IDENTICAL_BINDING, PROTEINS, BINDING, FUNCTION)}
    assert readable(delta) == ({NK: above}, set())
    assert delta.left_out == {"binding_only_proteins": 1, "binding_only_annotations": 2}  # the root was known


def test_an_ontology_without_protein_binding_drops_nothing() -> None:
    graph = small_graph()
    delta = split_by_knowledge(table(), table(("P1", BINDING)), graph)

    assert readable(drop_binding_only(delta, graph), graph) == readable(delta, graph)


def test_nothing_gained_leaves_nothing() -> None:
    delta = dropped(table(("P1", KINASE)), table(("P1", KINASE)))

    assert (readable(delta), delta.accessions) == (({}, set()), ())


TERMS = (FUNCTION, BINDING, PROTEINS, IDENTICAL_BINDING, IONS, KINASE, PHOSPHORYLATION, WITHIN_CELL, NUCLEUS)
RELEASES = st.lists(st.tuples(st.sampled_from(("P1", "P2", "P3")), st.sampled_from(TERMS)), max_size=14).map(
    lambda rows: table(*rows)
)


def in_plain_words(whole: Readable, graph: GoGraph) -> Readable:
    """Restate the rule on sets of names."""
    truth, known = whole
    functions: dict[str, set[str]] = defaultdict(set)
    for protein, go_id in {pair for pairs in truth.values() for pair in pairs}:
        if is_function(go_id, graph):
            functions[protein].add(go_id)
    above = {graph.go_ids[row] for row in graph.ancestors(graph.row_of[PROTEINS])}
    alone = {protein for protein, terms in functions.items() if PROTEINS in terms and terms <= {PROTEINS, *above}}

    def left(pairs: Pairs) -> Pairs:
        return {(protein, go_id) for protein, go_id in pairs if protein not in alone or not is_function(go_id, graph)}

    return {category: left(pairs) for category, pairs in truth.items() if left(pairs)}, left(known)


def is_function(go_id: str, graph: GoGraph) -> bool:
    return ASPECTS[graph.aspects[graph.row_of[go_id]]] is Aspect.MOLECULAR_FUNCTION


@given(old=RELEASES, new=RELEASES, closes=st.booleans())
def test_the_rule_is_what_its_words_say(old: AnnotationTable, new: AnnotationTable, closes: bool) -> None:
    whole = split_by_knowledge(old, new, GRAPH, closes=closes)

    delta = drop_binding_only(whole, GRAPH)

    truth, known = in_plain_words(readable(whole), GRAPH)
    assert readable(delta) == (truth, known)
    assert delta.accessions == tuple(sorted({protein for pairs in truth.values() for protein, _ in pairs}))


def test_the_rule_is_what_its_words_say_on_the_fly() -> None:
    whole, graph = fly_delta(), go_graph()

    delta = drop_binding_only(whole, graph)

    assert readable(delta, graph) == in_plain_words(readable(whole, graph), graph)
    assert delta.left_out["binding_only_proteins"] > 0
