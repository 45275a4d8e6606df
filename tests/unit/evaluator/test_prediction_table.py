from __future__ import annotations

import pytest

from protea_evaluator.domain.prediction_table import PredictionTable, ScoreOutOfRangeError
from support.evaluation import BINDING, KINASE, NUCLEUS, small_graph

GRAPH = small_graph()


def predictions(*rows: tuple[str, str, float], live_ids: dict[str, str] | None = None) -> PredictionTable:
    return PredictionTable.from_rows(rows, targets=("P1", "P2"), graph=GRAPH, live_ids=live_ids or {})


def readable(table: PredictionTable) -> list[tuple[int, str, float]]:
    go_ids = [GRAPH.go_ids[term] for term in table.pairs.terms]
    return list(zip(table.pairs.proteins.tolist(), go_ids, table.scores.tolist(), strict=True))


def test_the_best_score_of_a_repeated_term_is_kept() -> None:
    table = predictions(("P1", KINASE, 0.3), ("P1", KINASE, 0.7), ("P1", KINASE, 0.5))

    assert readable(table) == [(0, KINASE, 0.7)]


def test_predictions_of_other_proteins_are_left_out() -> None:
    table = predictions(("P3", KINASE, 0.9), ("P2", KINASE, 0.4))

    assert readable(table) == [(1, KINASE, 0.4)]


def test_terms_that_the_ontology_does_not_hold_are_left_out() -> None:
    table = predictions(("P1", "GO:0000001", 0.9), ("P1", KINASE, 0.4))

    assert readable(table) == [(0, KINASE, 0.4)]


def test_a_merged_identifier_scores_for_its_successor() -> None:
    table = predictions(("P1", "GO:0000001", 0.9), ("P1", KINASE, 0.4), live_ids={"GO:0000001": KINASE})

    assert readable(table) == [(0, KINASE, 0.9)]


def test_scores_that_are_written_as_zero_are_left_out() -> None:
    table = predictions(("P1", KINASE, 0.0), ("P1", BINDING, 0.00004), ("P2", KINASE, 0.00006))

    assert readable(table) == [(1, KINASE, 0.00006)]


def test_scores_stay_with_their_pair_when_pairs_are_sorted() -> None:
    table = predictions(("P2", KINASE, 0.1), ("P1", NUCLEUS, 0.2), ("P1", KINASE, 0.3), ("P1", BINDING, 0.4))

    assert readable(table) == [(0, BINDING, 0.4), (0, KINASE, 0.3), (0, NUCLEUS, 0.2), (1, KINASE, 0.1)]


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_a_score_outside_0_to_1_is_refused_by_protein_and_term(score: float) -> None:
    with pytest.raises(ScoreOutOfRangeError, match=f"P2 has the score .* for {KINASE}"):
        predictions(("P2", KINASE, score))


def test_no_predictions_give_an_empty_table() -> None:
    assert readable(predictions()) == []
