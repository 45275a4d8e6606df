from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS, Aspect, GoGraph, Relation
from protea_evaluator.domain.prediction_table import PredictionTable
from protea_evaluator.domain.propagation import propagate_scores, propagate_terms
from protea_evaluator.domain.recipe import Propagation

# 4 is under 2 and 3, both under the root 1; 5 is under 4.
GRAPH = GoGraph.build(
    [(f"GO:{number}", Aspect.BIOLOGICAL_PROCESS) for number in range(1, 6)],
    [
        Relation("GO:2", "GO:1", "is_a"),
        Relation("GO:3", "GO:1", "is_a"),
        Relation("GO:4", "GO:2", "is_a"),
        Relation("GO:4", "GO:3", "part_of"),
        Relation("GO:5", "GO:4", "is_a"),
    ],
)


def scored(targets: int, *rows: tuple[str, str, float]) -> PredictionTable:
    accessions = [f"P{number:04}" for number in range(targets)]
    return PredictionTable.from_rows(rows, targets=accessions, graph=GRAPH, live_ids={})


def readable(table: PredictionTable, protein: int) -> dict[str, float]:
    is_of_protein = table.pairs.proteins == protein
    go_ids = [GRAPH.go_ids[term] for term in table.pairs.terms[is_of_protein]]
    return dict(zip(go_ids, table.scores[is_of_protein].tolist(), strict=True))


def columns_of(table: PredictionTable) -> list[NDArray[Any]]:
    return [table.pairs.proteins, table.pairs.aspects, table.pairs.terms, table.scores]


def test_a_score_fills_all_ancestors_that_have_none() -> None:
    table = propagate_scores(scored(1, ("P0000", "GO:5", 0.4)), GRAPH)

    assert readable(table, 0) == {"GO:1": 0.4, "GO:2": 0.4, "GO:3": 0.4, "GO:4": 0.4, "GO:5": 0.4}


def test_a_predicted_ancestor_keeps_its_lower_score_and_hands_it_on() -> None:
    table = propagate_scores(scored(1, ("P0000", "GO:5", 0.9), ("P0000", "GO:4", 0.2)), GRAPH)

    assert readable(table, 0) == {"GO:1": 0.2, "GO:2": 0.2, "GO:3": 0.2, "GO:4": 0.2, "GO:5": 0.9}


def test_an_ancestor_takes_the_best_of_its_children() -> None:
    table = propagate_scores(scored(1, ("P0000", "GO:4", 0.3), ("P0000", "GO:2", 0.8)), GRAPH)

    assert readable(table, 0) == {"GO:1": 0.8, "GO:2": 0.8, "GO:3": 0.3, "GO:4": 0.3}


def test_proteins_beyond_one_block_are_propagated_each_for_itself() -> None:
    rows = [(f"P{number:04}", "GO:2" if number % 2 else "GO:3", (number + 1) / 5000) for number in range(4200)]

    table = propagate_scores(scored(4200, *rows), GRAPH)

    for number in (0, 1023, 1024, 1025, 2047, 2048, 4199):
        score = (number + 1) / 5000
        assert readable(table, number) == {"GO:1": score, "GO:2" if number % 2 else "GO:3": score}


@pytest.mark.parametrize("propagation", Propagation)
def test_propagated_pairs_are_sorted_as_pairs_are(propagation: Propagation) -> None:
    rng = np.random.default_rng(0)
    graph = GoGraph.build(
        [(f"GO:{number}", ASPECTS[number % 3]) for number in range(9)], [Relation("GO:8", "GO:2", "is_a")]
    )
    keys = rng.choice(5000 * 9, size=9000, replace=False)

    table = propagate_scores(PredictionTable.best_of(keys, rng.random(9000), graph), graph, propagation)

    again = PredictionTable.best_of(table.pairs.keys(graph), table.scores, graph)
    assert np.array_equal(table.pairs.keys(graph), again.pairs.keys(graph))
    assert np.array_equal(table.pairs.aspects, again.pairs.aspects)
    assert np.array_equal(table.scores, again.scores)
    assert [column.dtype for column in columns_of(table)] == [column.dtype for column in columns_of(again)]


def test_terms_gain_their_ancestors_once() -> None:
    pairs = scored(2, ("P0000", "GO:4", 1.0), ("P0000", "GO:2", 1.0), ("P0001", "GO:3", 1.0)).pairs

    closed = propagate_terms(pairs, GRAPH)

    go_ids = [GRAPH.go_ids[term] for term in closed.terms]
    assert list(zip(closed.proteins.tolist(), go_ids, strict=True)) == [
        (0, "GO:1"), (0, "GO:2"), (0, "GO:3"), (0, "GO:4"), (1, "GO:1"), (1, "GO:3")
    ]  # fmt: skip


def test_nothing_propagates_to_nothing() -> None:
    empty = scored(1)

    assert len(propagate_terms(empty.pairs, GRAPH)) == 0
    assert len(propagate_scores(empty, GRAPH).pairs) == 0
