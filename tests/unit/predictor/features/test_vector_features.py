from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from protea_predictor.domain.errors import ShapeMismatchError
from protea_predictor.domain.features.anc2vec import (
    InvalidTermVectorsError,
    TermVectors,
    known_vector_features,
    neighbour_vector_features,
)
from protea_predictor.domain.features.pca import fit_projection, pca_features
from protea_predictor.domain.features.term_lists import TermLists
from support.transferred import random_transfer


def test_components_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(200, 40)) * np.linspace(3, 0.5, 40)).astype(np.float16)
    fitted = fit_projection(vectors)
    peer = PCA(n_components=16, svd_solver="full").fit(vectors.astype(np.float64))
    np.testing.assert_allclose(fitted.mean, peer.mean_, atol=1e-12)
    np.testing.assert_allclose(np.abs(np.sum(fitted.components * peer.components_, axis=1)), 1.0, atol=1e-9)
    largest = np.abs(fitted.components).argmax(axis=1)
    assert (fitted.components[np.arange(16), largest] > 0).all()


def test_a_fit_is_repeatable_and_keeps_to_the_rank() -> None:
    vectors = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]], dtype=np.float16)
    first, second = fit_projection(vectors), fit_projection(vectors)
    np.testing.assert_array_equal(first.components, second.components)
    assert first.components.shape == (2, 3)
    with pytest.raises(ShapeMismatchError, match="no vectors"):
        fit_projection(vectors[:0])


def test_each_candidate_has_its_query_s_coordinates() -> None:
    made = random_transfer(1)
    fitted = fit_projection(made.query_vectors)
    found = pca_features(made.candidates, made.query_vectors, fitted)
    expected = (made.query_vectors.astype(np.float64) - fitted.mean) @ fitted.components.T
    np.testing.assert_allclose(found["emb_pca_query_1"], expected[made.candidates.query_row, 1], atol=1e-12)
    assert np.isnan(found["emb_pca_query_15"]).all()
    with pytest.raises(ShapeMismatchError, match="components"):
        pca_features(made.candidates, made.query_vectors[:, :3], fitted)


def test_cosines_of_terms_to_the_neighbours_and_to_what_is_known() -> None:
    made = random_transfer(8)
    rng = np.random.default_rng(8)
    go_ids = made.graph.go_ids[:20]
    vectors = rng.normal(size=(20, 6))
    terms = TermVectors.build([*go_ids, "GO:9999999"], np.vstack([vectors, np.ones(6)]), made.graph)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    known = TermLists.of_pairs(np.array([0, 0, 1]), np.array([1, 4, 21]), n_terms=25)
    candidates, aspects = made.candidates, made.graph.aspects
    near = neighbour_vector_features(candidates, terms, aspects[candidates.term_row])
    told = known_vector_features(candidates, terms, known, made.graph)
    for row, (query, term) in enumerate(zip(candidates.query_row.tolist(), candidates.term_row.tolist(), strict=True)):
        of_query = candidates.term_row[candidates.query_row == query].tolist()
        peers = [t for t in of_query if aspects[t] == aspects[term] and t < 20]
        mine = [t for t in (1, 4) if query == 0 and aspects[t] == aspects[term]]
        assert near["anc2vec_has_emb"][row] == (term < 20)
        assert told["anc2vec_query_known_count"][row] == len(mine)
        others = [unit[t] @ unit[term] for t in peers if t != term] if term < 20 else []
        check(near["anc2vec_neighbor_maxcos"][row], max(others) if others else np.nan)
        check(near["anc2vec_neighbor_cos"][row], cosine(unit, peers, term) if term < 20 else np.nan)
        known_cosines = [unit[t] @ unit[term] for t in mine] if term < 20 else []
        check(told["anc2vec_query_known_maxcos"][row], max(known_cosines) if known_cosines else np.nan)
        check(told["anc2vec_query_known_cos"][row], cosine(unit, mine, term) if known_cosines else np.nan)


def check(found: float, expected: float) -> None:
    np.testing.assert_allclose(found, expected, atol=1e-6)


def cosine(unit: np.ndarray, others: list[int], term: int) -> float:
    mean = unit[others].mean(axis=0)
    return float(mean @ unit[term] / np.linalg.norm(mean))


def test_term_vectors_have_to_be_vectors_of_terms() -> None:
    graph = random_transfer(1).graph
    with pytest.raises(InvalidTermVectorsError, match="one vector per term"):
        TermVectors.build(["GO:0000001"], np.ones((2, 3)), graph)
    with pytest.raises(InvalidTermVectorsError, match="all zeros"):
        TermVectors.build(["GO:0000001"], np.zeros((1, 3)), graph)
