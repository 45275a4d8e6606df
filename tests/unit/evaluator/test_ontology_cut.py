from __future__ import annotations

import numpy as np
import pytest

from protea_common.domain.ontology import Aspect, GoGraph, Relation
from protea_evaluator.domain.ontology_cut import cut_to_closure, write_flat_obo, write_obo
from support.evaluation import (
    CATALYSIS,
    COMPONENT,
    FUNCTION,
    KINASE,
    NUCLEOLUS,
    NUCLEUS,
    WITHIN_CELL,
    small_graph,
)

GRAPH = small_graph()


def rows_of(*go_ids: str) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array([GRAPH.row_of[go_id] for go_id in go_ids], dtype=np.int32)


def test_the_cut_holds_the_terms_and_all_their_ancestors_once() -> None:
    rows = cut_to_closure(GRAPH, rows_of(NUCLEOLUS, KINASE, NUCLEUS, KINASE))

    assert [GRAPH.go_ids[row] for row in rows] == sorted(
        [FUNCTION, CATALYSIS, KINASE, COMPONENT, WITHIN_CELL, NUCLEUS, NUCLEOLUS]
    )


def test_no_terms_give_an_empty_cut() -> None:
    assert len(cut_to_closure(GRAPH, rows_of())) == 0


def test_a_term_is_written_with_its_namespace_and_its_parents() -> None:
    text = "".join(write_obo(GRAPH, rows_of(COMPONENT, WITHIN_CELL)))

    assert text == (
        "format-version: 1.2\n"
        "\n[Term]\nid: GO:0005575\nnamespace: cellular_component\n"
        "\n[Term]\nid: GO:0005622\nnamespace: cellular_component\nis_a: GO:0005575\n"
    )


def test_part_of_edges_inside_an_aspect_are_written_and_edges_to_other_aspects_are_not() -> None:
    aspects = [
        ("GO:1", Aspect.CELLULAR_COMPONENT),
        ("GO:2", Aspect.CELLULAR_COMPONENT),
        ("GO:3", Aspect.BIOLOGICAL_PROCESS),
    ]
    graph = GoGraph.build(aspects, [Relation("GO:2", "GO:1", "part_of"), Relation("GO:2", "GO:3", "part_of")])

    text = "".join(write_obo(graph, np.arange(3, dtype=np.int32)))

    assert [line for line in text.splitlines() if line.startswith("is_a")] == ["is_a: GO:1"]


@pytest.mark.parametrize(("go_id", "root"), [(KINASE, FUNCTION), (CATALYSIS, FUNCTION), (NUCLEOLUS, COMPONENT)])
def test_a_flat_ontology_holds_every_term_directly_below_the_root_of_its_aspect(go_id: str, root: str) -> None:
    text = "".join(write_flat_obo(GRAPH, cut_to_closure(GRAPH, rows_of(KINASE, NUCLEOLUS))))

    stanza = next(stanza for stanza in text.split("\n\n") if f"id: {go_id}\n" in stanza)
    assert [line for line in stanza.splitlines() if line.startswith("is_a")] == [f"is_a: {root}"]


def test_a_flat_ontology_leaves_the_roots_without_parents() -> None:
    text = "".join(write_flat_obo(GRAPH, cut_to_closure(GRAPH, rows_of(KINASE))))

    stanza = next(stanza for stanza in text.split("\n\n") if f"id: {FUNCTION}\n" in stanza)
    assert "is_a" not in stanza
