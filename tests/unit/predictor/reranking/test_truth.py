from __future__ import annotations

import numpy as np
import pytest

from protea_common.domain.ontology import ASPECTS
from protea_evaluator.domain.information_accretion import information_accretion
from protea_evaluator.domain.measures.cell import split_into_cells
from protea_evaluator.domain.prediction_table import PredictionTable
from protea_evaluator.domain.propagation import propagate_terms
from protea_evaluator.domain.protein_terms import ProteinTerms, pair_keys
from protea_predictor.domain.reranking.categories import CATEGORIES, NO_CATEGORY, Category
from protea_predictor.domain.reranking.term_weights import term_weights
from protea_predictor.domain.reranking.truth import Pairs, WindowTruth, propagated_keys
from support.annotated_references import diamond_graph, random_graph


def pairs(*listed: tuple[int, int]) -> Pairs:
    queries, terms = np.array(listed, dtype=np.int64).reshape(-1, 2).T
    return Pairs(queries, terms)


def random_pairs(rng: np.random.Generator, n: int, *, n_proteins: int, n_terms: int) -> Pairs:
    return Pairs(rng.integers(0, n_proteins, n), rng.integers(0, n_terms, n))


def test_gained_terms_reach_up_to_but_not_with_the_root() -> None:
    graph = diamond_graph()
    bottom = int(np.diff(graph.closure_indptr).argmax())
    above = graph.ancestors(bottom)
    roots = [row for row in above if len(graph.ancestors(int(row))) == 0]

    truth = WindowTruth.build({Category.NO_KNOWLEDGE: pairs((1, bottom))}, Pairs.none(), graph, n_queries=2)

    terms = np.arange(len(graph.go_ids))
    expected = set(above.tolist()) | {bottom}
    found = terms[truth.labels_of(np.ones_like(terms), terms)]
    assert set(found.tolist()) == expected - set(roots)
    assert not truth.labels_of(np.zeros_like(terms), terms).any()
    assert (truth.categories[0] == NO_CATEGORY).all()
    assert truth.categories[1, graph.aspects[bottom]] == CATEGORIES.index(Category.NO_KNOWLEDGE)
    assert (truth.categories_of(np.ones(len(roots), np.int64), np.array(roots)) == NO_CATEGORY).all()


def test_what_was_known_and_what_lies_above_it_is_neither_true_nor_false() -> None:
    graph = diamond_graph()
    bottom = int(np.diff(graph.closure_indptr).argmax())
    middle = next(int(row) for row in graph.parents(bottom) if len(graph.ancestors(int(row))) > 0)

    truth = WindowTruth.build({Category.PARTIAL_KNOWLEDGE: pairs((0, bottom))}, pairs((0, middle)), graph, n_queries=1)

    query = np.zeros(2, dtype=np.int64)
    assert truth.labels_of(query, np.array([bottom, middle])).tolist() == [True, False]
    assert truth.categories_of(query, np.array([bottom, middle])).tolist() == [2, NO_CATEGORY]


@pytest.mark.parametrize("seed", range(8))
def test_there_is_to_find_what_the_evaluator_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 40)
    n_terms, n_proteins = len(graph.go_ids), 9
    gained = random_pairs(rng, 25, n_proteins=n_proteins, n_terms=n_terms)
    known = random_pairs(rng, 15, n_proteins=n_proteins, n_terms=n_terms)
    weights = np.where(np.diff(graph.closure_indptr) == 1, 0.0, rng.random(n_terms) + 0.1)

    truth = WindowTruth.build({Category.PARTIAL_KNOWLEDGE: gained}, known, graph, n_queries=n_proteins)

    as_evaluated = propagate_terms(
        ProteinTerms.from_keys(
            pair_keys(gained.query_row.astype(np.int32), gained.term_row.astype(np.int32), graph), graph
        ),
        graph,
    )
    nothing = PredictionTable(ProteinTerms.from_keys(np.empty(0, np.int64), graph), np.empty(0))
    before = propagate_terms(
        ProteinTerms.from_keys(
            pair_keys(known.query_row.astype(np.int32), known.term_row.astype(np.int32), graph), graph
        ),
        graph,
    )
    cells = split_into_cells(as_evaluated, nothing, graph, weights=weights, known=before)
    sizes = truth.sizes(weights)
    for column, aspect in enumerate(ASPECTS):
        proteins = np.flatnonzero(sizes[:, column])
        expected = cells[aspect].accessions if aspect in cells else np.empty(0, np.int64)
        assert proteins.tolist() == expected.tolist()
        if aspect in cells:
            np.testing.assert_allclose(sizes[proteins, column], cells[aspect].truth)


@pytest.mark.parametrize("seed", range(8))
def test_weights_are_the_evaluators_information_accretion(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 40)
    annotated = random_pairs(rng, 60, n_proteins=20, n_terms=len(graph.go_ids))
    keys = pair_keys(annotated.query_row.astype(np.int32), annotated.term_row.astype(np.int32), graph)
    expected = information_accretion(propagate_terms(ProteinTerms.from_keys(keys, graph), graph), graph)

    np.testing.assert_allclose(term_weights(propagated_keys(annotated, graph), graph), expected, atol=1e-12)
