from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protea_common.domain.ontology import (
    ASPECTS,
    PROPAGATING_RELATIONS,
    STORED_RELATIONS,
    Aspect,
    GoGraph,
    OntologyCycleError,
    Relation,
    UnknownAspectError,
    parse_aspect,
)

P = Aspect.BIOLOGICAL_PROCESS
F = Aspect.MOLECULAR_FUNCTION

# r is the root of a diamond; d hangs below both sides and e below d.
#       r
#      / \
#     a   b
#      \ / \
#       d   c
#       |
#       e
DIAMOND_TERMS = [(go_id, P) for go_id in "rabcde"]
DIAMOND = [
    Relation("a", "r", "is_a"),
    Relation("b", "r", "part_of"),
    Relation("d", "a", "is_a"),
    Relation("d", "b", "part_of"),
    Relation("c", "b", "is_a"),
    Relation("e", "d", "is_a"),
]


def names(graph: GoGraph, rows: np.typing.NDArray[np.int32]) -> str:
    return "".join(graph.go_ids[row] for row in rows)


@pytest.mark.parametrize(
    ("aspect", "code", "cafa", "namespace"),
    [
        (Aspect.MOLECULAR_FUNCTION, "F", "MFO", "molecular_function"),
        (Aspect.BIOLOGICAL_PROCESS, "P", "BPO", "biological_process"),
        (Aspect.CELLULAR_COMPONENT, "C", "CCO", "cellular_component"),
    ],
)
def test_aspect_reads_from_all_its_spellings_in_any_case(aspect: Aspect, code: str, cafa: str, namespace: str) -> None:
    assert (aspect.code, aspect.cafa, aspect.value) == (code, cafa, namespace)
    for spelling in (code, cafa, namespace):
        assert parse_aspect(spelling) is parse_aspect(spelling.upper()) is parse_aspect(spelling.lower()) is aspect


@pytest.mark.parametrize("text", ["", "X", "MF", "molecular function"])
def test_unknown_aspect_error_names_what_is_accepted(text: str) -> None:
    with pytest.raises(UnknownAspectError) as caught:
        parse_aspect(text)

    assert caught.value.aspect == text
    assert caught.value.status == 422
    for spelling in (
        "F",
        "MFO",
        "molecular_function",
        "P",
        "BPO",
        "biological_process",
        "C",
        "CCO",
        "cellular_component",
    ):
        assert spelling in str(caught.value)


def test_eight_relations_are_stored_and_two_propagate() -> None:
    assert len(STORED_RELATIONS) == 8
    assert {"is_a", "part_of"} == PROPAGATING_RELATIONS
    assert PROPAGATING_RELATIONS < STORED_RELATIONS


def test_terms_are_rows_in_ascending_order_of_identifier() -> None:
    graph = GoGraph.build([("c", F), ("a", P), ("b", F)], [])

    assert graph.go_ids == ("a", "b", "c")
    assert dict(graph.row_of) == {"a": 0, "b": 1, "c": 2}
    assert [ASPECTS[index] for index in graph.aspects] == [P, F, F]
    assert graph.aspects.dtype == np.int8


@pytest.mark.parametrize(
    ("go_id", "parents", "ancestors", "descendants"),
    [
        ("r", "", "", "abcde"),
        ("a", "r", "r", "de"),
        ("b", "r", "r", "cde"),
        ("c", "b", "br", ""),
        ("d", "ab", "abr", "e"),
        ("e", "d", "abdr", ""),
    ],
)
def test_diamond_by_hand(go_id: str, parents: str, ancestors: str, descendants: str) -> None:
    graph = GoGraph.build(DIAMOND_TERMS, DIAMOND)
    row = graph.row_of[go_id]

    assert names(graph, graph.parents(row)) == parents
    assert names(graph, graph.ancestors(row)) == ancestors
    assert names(graph, graph.descendants(row)) == descendants


def test_closure_rows_list_the_term_and_its_ancestors_ascending() -> None:
    graph = GoGraph.build(DIAMOND_TERMS, DIAMOND)

    rows = [
        graph.closure_indices[start:end]
        for start, end in zip(graph.closure_indptr, graph.closure_indptr[1:], strict=False)
    ]

    assert [names(graph, row) for row in rows] == ["ar", "br", "bcr", "abdr", "abder", "r"]
    assert graph.closure_indices.dtype == np.int32


def test_edges_that_do_not_propagate_are_passed_over() -> None:
    graph = GoGraph.build([("a", P), ("b", P)], [Relation("a", "b", "regulates"), Relation("a", "b", "has_part")])

    assert graph.parents(graph.row_of["a"]).size == 0


def test_edges_across_aspects_are_passed_over() -> None:
    graph = GoGraph.build([("a", F), ("b", P)], [Relation("a", "b", "part_of")])

    assert graph.ancestors(graph.row_of["a"]).size == 0


def test_edges_to_unknown_terms_are_passed_over() -> None:
    graph = GoGraph.build([("a", P)], [Relation("a", "gone", "is_a"), Relation("gone", "a", "is_a")])

    assert graph.closure_indices.tolist() == [0]


def test_edge_given_by_two_relations_counts_once() -> None:
    graph = GoGraph.build([("a", P), ("b", P)], [Relation("a", "b", "is_a"), Relation("a", "b", "part_of")])

    assert names(graph, graph.parents(graph.row_of["a"])) == "b"


def test_no_terms_give_an_empty_graph() -> None:
    graph = GoGraph.build([], [])

    assert graph.go_ids == ()
    assert graph.closure_indptr.tolist() == [0]
    assert graph.closure_indices.size == 0


def test_cycle_is_refused_naming_a_term_on_it() -> None:
    below_the_cycle = Relation("a", "b", "is_a")
    cycle = [Relation("b", "c", "is_a"), Relation("c", "d", "part_of"), Relation("d", "b", "is_a")]

    with pytest.raises(OntologyCycleError) as caught:
        GoGraph.build([(go_id, P) for go_id in "abcdr"], [below_the_cycle, *cycle, Relation("b", "r", "is_a")])

    assert caught.value.go_id in "bcd"
    assert caught.value.go_id in str(caught.value)


def test_term_that_is_its_own_parent_is_a_cycle() -> None:
    with pytest.raises(OntologyCycleError, match="a is its own ancestor"):
        GoGraph.build([("a", P)], [Relation("a", "a", "is_a")])


@st.composite
def acyclic_edges(draw: st.DrawFn) -> tuple[list[str], list[tuple[int, int]]]:
    """Draw a graph whose edges lead from a later to an earlier place in a random order of identifiers."""
    n_terms = draw(st.integers(min_value=1, max_value=12))
    order = draw(st.permutations([f"GO:{number:07d}" for number in range(n_terms)]))
    pairs = [(child, parent) for child in range(n_terms) for parent in range(child)]
    edges = draw(st.lists(st.sampled_from(pairs), max_size=30)) if pairs else []
    return list(order), edges


@given(acyclic_edges())
def test_closure_agrees_with_powers_of_the_adjacency_matrix(graph_of: tuple[list[str], list[tuple[int, int]]]) -> None:
    order, edges = graph_of
    n_terms = len(order)
    graph = GoGraph.build([(go_id, P) for go_id in order], [Relation(order[c], order[p], "is_a") for c, p in edges])
    reach = np.eye(n_terms, dtype=np.int64)
    for child, parent in edges:
        reach[graph.row_of[order[child]], graph.row_of[order[parent]]] = 1
    reaches = np.linalg.matrix_power(reach, n_terms)  # paths of up to n_terms edges, thanks to the diagonal

    for row in range(n_terms):
        start, end = graph.closure_indptr[row], graph.closure_indptr[row + 1]
        above = set(np.flatnonzero(reaches[row]).tolist())
        below = set(np.flatnonzero(reaches[:, row]).tolist())
        assert graph.closure_indices[start:end].tolist() == sorted(above)
        assert graph.ancestors(row).tolist() == sorted(above - {row})
        assert graph.descendants(row).tolist() == sorted(below - {row})
