"""What goes with known terms: profiles, pairs of terms and species, each against a computation without matrices."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protea_common.domain.ontology import GoGraph
from protea_predictor.domain.carried_terms import CarriedTerms
from protea_predictor.domain.features.association import Associations, associate
from protea_predictor.domain.features.profile import ReferenceProfiles, vote_by_profile
from protea_predictor.domain.features.species import SpeciesPriors
from protea_predictor.domain.features.term_lists import TermLists
from protea_predictor.domain.reference_annotations import (
    ReferenceAnnotations,
    build_reference_annotations,
    propagate_annotations,
)
from support.annotated_references import annotation_rows, random_graph, random_rows

N_QUERIES, N_REFERENCES, N_TERMS = 6, 90, 25

Sets = list[set[int]]


def world(seed: int) -> tuple[GoGraph, ReferenceAnnotations, np.ndarray, TermLists]:
    """More references than vote, their annotations, information accretion with zeros, and terms of five queries."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, N_TERMS)
    rows = random_rows(rng, n_rows=260, n_references=N_REFERENCES, n_terms=N_TERMS)
    direct = build_reference_annotations(annotation_rows(rows), n_references=N_REFERENCES, n_terms=N_TERMS)
    accretion = np.where(rng.random(N_TERMS) < 0.2, 0.0, rng.uniform(0.1, 14, N_TERMS))
    known = TermLists.of_pairs(rng.integers(0, N_QUERIES - 1, 14), rng.integers(0, N_TERMS, 14), n_terms=N_TERMS)
    return graph, propagate_annotations(direct, graph), accretion, known.propagated(graph)


def sets_of(matrix: np.ndarray) -> Sets:
    return [set(np.flatnonzero(row).tolist()) for row in matrix]


def known_sets(known: TermLists) -> Sets:
    return [set(known.term_row[known.query_row == query].tolist()) for query in range(N_QUERIES)]


def cosine(ones: set[int], others: set[int], weights: np.ndarray) -> float:
    both, one, other = (sum(weights[term] ** 2 for term in terms) for terms in (ones & others, ones, others))
    return float(both / np.sqrt(one * other)) if one and other else 0.0


def votes_one_by_one(graph: GoGraph, carried: Sets, known: set[int], accretion: np.ndarray, own: int) -> np.ndarray:
    """Shares of the 50 references most like a query, term by term; NaN where nobody has the aspect."""
    weights = np.minimum(accretion, 10)
    similar = sorted(
        ((-round(cosine(known, terms, weights), 6), row) for row, terms in enumerate(carried) if row != own)
    )
    donors = [(row, cosine(known, carried[row], weights) ** 2) for negative, row in similar[:50] if negative < 0]
    shares = np.full(N_TERMS, np.nan)
    for term in range(N_TERMS):
        of_aspect = set(np.flatnonzero(graph.aspects == graph.aspects[term]).tolist())
        voters = [(row, weight) for row, weight in donors if carried[row] & of_aspect]
        if voters:
            total = sum(weight for _, weight in voters)
            shares[term] = sum(weight for row, weight in voters if term in carried[row]) / total
    return shares


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_profile_votes_are_what_their_definition_says(seed: int) -> None:
    graph, annotations, accretion, known = world(seed)
    carried = CarriedTerms.build(annotations, graph)
    own_rows = np.array([3, -1, 5, -1, 7, 9])
    profiles = ReferenceProfiles.build(carried, accretion)
    votes = vote_by_profile(profiles, every=known, experimental=known, own_rows=own_rows)
    terms = np.arange(N_TERMS)
    for found, matrix in ((votes.every, carried.every), (votes.experimental, carried.experimental)):
        references = sets_of(matrix.toarray())
        for query, mine in enumerate(known_sets(known)):
            expected = votes_one_by_one(graph, references, mine, accretion, int(own_rows[query]))
            np.testing.assert_allclose(found.at(np.full(N_TERMS, query), terms), expected, atol=2e-5)


def test_a_query_is_no_donor_of_its_own() -> None:
    graph, annotations, accretion, _ = world(1)
    carried = CarriedTerms.build(annotations, graph)
    row = int(np.flatnonzero(np.diff(carried.every.indptr) > 3)[0])
    terms = carried.every[[row]].indices
    mine = TermLists.of_pairs(np.zeros(len(terms), dtype=np.int64), terms, n_terms=N_TERMS)
    profiles = ReferenceProfiles.build(carried, accretion)
    own, stranger = (
        vote_by_profile(profiles, every=mine, experimental=mine, own_rows=np.array([number])).every
        for number in (row, -1)
    )
    pairs = mine.query_row, mine.term_row
    assert np.nansum(own.at(*pairs)) < np.nansum(stranger.at(*pairs))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_associations_are_shares_of_carriers(seed: int) -> None:
    graph, annotations, accretion, known = world(seed)
    references = sets_of(CarriedTerms.build(annotations, graph).experimental.toarray())
    associations = Associations.build(CarriedTerms.build(annotations, graph).experimental)
    found = associate(associations, known, accretion, n_queries=N_QUERIES)
    carriers = Counter(term for terms in references for term in terms)
    pairs = Counter((k, term) for terms in references for k in terms for term in terms)

    def share(k: int, term: int) -> float:
        value = pairs[k, term] / (carriers[k] + 5) if carriers[k] >= 3 else 0.0
        return value if value >= 0.02 else 0.0

    for query, mine in enumerate(known_sets(known)):
        telling = [k for k in mine if accretion[k] > 0]
        assert found.is_known[query] == bool(telling)
        for term in range(N_TERMS if telling else 0):
            pair = np.array([query]), np.array([term])
            assert found.greatest.at(*pair)[0] == pytest.approx(max(share(k, term) for k in telling), abs=1e-6)
            mean = sum(accretion[k] * share(k, term) for k in telling) / sum(accretion[k] for k in telling)
            assert found.mean.at(*pair)[0] == pytest.approx(mean, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_a_species_leans_on_twenty_references_of_all(seed: int) -> None:
    graph, annotations, *_ = world(seed)
    carried = CarriedTerms.build(annotations, graph)
    references = sets_of(carried.experimental.toarray())
    taxa = np.random.default_rng(seed).choice([7, 10, 4000], N_REFERENCES)
    priors = SpeciesPriors.build(carried, taxa)
    for term in range(N_TERMS):
        of_aspect = set(np.flatnonzero(graph.aspects == graph.aspects[term]).tolist())
        has_aspect = np.array([bool(terms & of_aspect) for terms in references])
        has_term = np.array([term in terms for terms in references])
        everyone = has_term.sum() / has_aspect.sum() if has_aspect.any() else 0.0
        for taxon in (7, 10, 4000, 9606):
            mine = taxa == taxon
            expected = (has_term[mine].sum() + 20 * everyone) / (has_aspect[mine].sum() + 20)
            assert priors.shares(np.array([taxon]), np.array([term]))[0] == pytest.approx(expected)
