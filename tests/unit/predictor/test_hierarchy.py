from __future__ import annotations

from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protea_predictor.domain.errors import ShapeMismatchError
from protea_predictor.domain.hierarchy import raise_parents
from support.annotated_references import diamond_graph, random_graph


def test_parents_are_raised_to_their_best_descendant() -> None:
    # GO:4 (row 3) lies below GO:2 and GO:3, both below GO:1 (row 0); GO:6 (row 5) below GO:5 (row 4).
    terms = np.array([0, 1, 2, 3, 4, 5])

    raised = raise_parents(
        np.zeros(6, dtype=np.int64), terms, np.array([0.1, 0.9, 0.2, 0.5, 0.3, 0.4]), diamond_graph()
    )

    assert raised.tolist() == [0.9, 0.9, 0.5, 0.5, 0.4, 0.4]


def test_a_term_raises_ancestors_past_those_that_are_missing() -> None:
    raised = raise_parents(np.array([0, 0]), np.array([0, 3]), np.array([0.1, 0.5]), diamond_graph())

    assert raised.tolist() == [0.5, 0.5]


def test_queries_do_not_raise_each_other() -> None:
    raised = raise_parents(np.array([8, 3, 8]), np.array([0, 3, 1]), np.array([0.1, 0.9, 0.2]), diamond_graph())

    assert raised.tolist() == [0.2, 0.9, 0.2]


def test_no_candidates_need_no_raising_and_mismatched_ones_are_refused() -> None:
    nothing = np.array([], dtype=np.int64)

    assert raise_parents(nothing, nothing, np.array([]), diamond_graph()).tolist() == []
    with pytest.raises(ShapeMismatchError, match="1 queries, 1 terms and 2 scores"):
        raise_parents(np.array([0]), np.array([0]), np.array([0.1, 0.2]), diamond_graph())


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_queries=st.integers(1, 150), density=st.floats(0.05, 1))
def test_raised_scores_are_the_least_consistent_ones(seed: int, n_queries: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 15)
    query_row, term_row = np.nonzero(rng.random((n_queries, 15)) < density)
    shuffled = rng.permutation(len(query_row))
    query_row, term_row = 7 * query_row[shuffled], term_row[shuffled]  # gaps between the query rows
    scores = rng.random(len(query_row)).round(2)
    given_scores = scores.copy()
    score_of = dict(zip(zip(query_row.tolist(), term_row.tolist(), strict=True), scores.tolist(), strict=True))

    raised = raise_parents(query_row, term_row, scores, graph)

    below = {term: [term, *graph.descendants(term).tolist()] for term in range(15)}
    expected = [
        max(score_of[query, lower] for lower in below[term] if (query, lower) in score_of)
        for query, term in zip(query_row.tolist(), term_row.tolist(), strict=True)
    ]
    assert raised.tolist() == expected
    assert (raised >= scores).all()
    assert (scores == given_scores).all()
    assert raise_parents(query_row, term_row, raised, graph).tolist() == expected


def test_a_thousand_queries_of_two_hundred_terms_take_under_two_seconds() -> None:
    rng = np.random.default_rng(0)
    graph = random_graph(rng, 9_000)
    query_row = np.repeat(np.arange(1_000), 200)
    term_row = rng.integers(0, 9_000, size=200_000)
    scores = rng.random(200_000)

    started = process_time()
    raise_parents(query_row, term_row, scores, graph)

    assert process_time() - started < 2
