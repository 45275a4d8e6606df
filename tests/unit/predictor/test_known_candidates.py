"""Candidates that no donor gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from protea_common.domain.distance import DistanceMetric
from protea_common.domain.scoring import ScoringRecipe, Signal
from protea_predictor.domain import known_candidates
from protea_predictor.domain.alignment.nearest import figure_features, nearest_pairs
from protea_predictor.domain.carried_terms import CarriedTerms, is_root
from protea_predictor.domain.features.association import Associations, KnownAssociations, associate
from protea_predictor.domain.features.compute import FeatureSources, compute_features
from protea_predictor.domain.features.definitions import FEATURES
from protea_predictor.domain.features.profile import ProfileVotes, ReferenceProfiles, vote_by_profile
from protea_predictor.domain.features.term_lists import TermLists
from protea_predictor.domain.known_candidates import add_pairs, supported_pairs
from protea_predictor.domain.scoring import candidate_signals
from support.transferred import Transferred, random_transfer

N_TERMS, N_QUERIES = 25, 6


def told(made: Transferred) -> tuple[ProfileVotes, KnownAssociations]:
    """What two known terms of query 0 and one of query 3 say; nothing is known of the others."""
    rows = TermLists.of_pairs(np.array([0, 0, 3]), np.array([20, 23, 17]), n_terms=N_TERMS).propagated(made.graph)
    accretion = np.linspace(0, 8, N_TERMS)
    carried = CarriedTerms.build(made.annotations, made.graph)
    profiles = ReferenceProfiles.build(carried, accretion)
    profile = vote_by_profile(profiles, every=rows, experimental=rows, own_rows=np.full(N_QUERIES, -1))
    associations = associate(Associations.build(carried.experimental), rows, accretion, n_queries=N_QUERIES)
    return profile, associations


def known_of(made: Transferred) -> np.ndarray:
    return made.candidates.query_row * N_TERMS + made.candidates.term_row


def supported(made: Transferred, **changes: Any) -> np.ndarray:
    profile, associations = told(made)
    arguments: dict[str, Any] = {"n_queries": N_QUERIES, "known": known_of(made)} | changes
    return supported_pairs(profile, associations, made.annotations, made.graph, **arguments)


def test_what_profiles_associations_or_frequency_support_is_added() -> None:
    made = random_transfer(11)
    profile, associations = told(made)
    owners, terms = made.annotations.owners, made.annotations.term_rows
    expected = set()
    for query in range(N_QUERIES):
        for term in np.flatnonzero(~is_root(made.graph)).tolist():
            pair = np.array([query]), np.array([term])
            of_aspect = set(owners[made.graph.aspects[terms] == made.graph.aspects[term]].tolist())
            carriers = set(owners[terms == term].tolist())
            votes = max(float(votes.shares.at(*pair)[0]) for votes in (profile.every, profile.experimental))
            association = associations.greatest.at(*pair)[0]
            if votes > 0 or association >= 0.1 or len(carriers) > 0.01 * len(of_aspect):
                expected.add(query * N_TERMS + term)
    assert set(supported(made).tolist()) == expected - set(known_of(made).tolist())


def test_of_many_those_with_most_support_are_added(monkeypatch: pytest.MonkeyPatch) -> None:
    made = random_transfer(11)
    none = np.empty(0, dtype=np.int64)
    everything = supported_pairs(None, None, made.annotations, made.graph, n_queries=1, known=none)
    monkeypatch.setattr(known_candidates, "MOST_ADDED", 2)
    few = supported_pairs(None, None, made.annotations, made.graph, n_queries=1, known=none)
    for aspect in range(3):
        mine = [key for key in few.tolist() if made.graph.aspects[key] == aspect]
        others = [key for key in everything.tolist() if made.graph.aspects[key] == aspect and key not in mine]
        frequency = made.annotations.term_frequency
        assert len(mine) == min(2, len(mine) + len(others))
        assert not others or min(frequency[mine]) >= max(frequency[others])


def test_the_other_queries_change_no_pair() -> None:
    made = random_transfer(11)
    together = supported(made)
    known = known_of(made)
    alone = supported(made, n_queries=1, known=known[known < N_TERMS])
    assert alone[alone < N_TERMS].tolist() == together[together < N_TERMS].tolist()


def test_added_candidates_have_neither_reference_nor_votes() -> None:
    made = random_transfer(11)
    pairs = supported(made)
    assert len(pairs) > 10
    candidates, _ = add_pairs(made.candidates, None, pairs, made.annotations, made.graph)
    keys = candidates.query_row * N_TERMS + candidates.term_row
    assert keys.tolist() == sorted({*known_of(made).tolist(), *pairs.tolist()})
    is_added = np.isin(keys, pairs)
    assert (candidates.has_reference == ~is_added).all()

    frame = compute_features(candidates, made.context, FeatureSources())
    before = compute_features(made.candidates, made.context, FeatureSources())
    for name in FEATURES:
        np.testing.assert_array_equal(frame[name][~is_added], before[name], err_msg=name)
    for name in ("distance", "k_position", "neighbor_mean_distance", "length_ref", "ref_annotation_density"):
        assert np.isnan(frame[name][is_added]).all(), name
    assert (frame["evidence_code"][is_added] == -1).all()
    assert (frame["vote_count"][is_added] == 0).all()
    assert not np.isnan(frame["term_prior"][is_added]).any()
    signals = candidate_signals(
        candidates, made.annotations.evidence_codes, ScoringRecipe(), metric=DistanceMetric.COSINE
    )
    assert np.isnan(signals[Signal.EMBEDDING_SIMILARITY][is_added]).all()
    assert np.isnan(signals[Signal.EVIDENCE_WEIGHT][is_added]).all()
    assert not np.isnan(signals[Signal.EVIDENCE_WEIGHT][~is_added]).any()


def test_candidates_without_a_reference_are_aligned_with_nobody() -> None:
    made = random_transfer(11)
    pairs = supported(made)
    candidates, _ = add_pairs(made.candidates, None, pairs, made.annotations, made.graph)
    asked, before = nearest_pairs(candidates), nearest_pairs(made.candidates)
    assert asked.query_rows.tolist() == before.query_rows.tolist()
    assert asked.reference_rows.tolist() == before.reference_rows.tolist()
    table = np.arange(12.0 * len(asked.query_rows)).reshape(-1, 12)
    figures = figure_features(table, asked)["identity_nw"]
    assert np.isnan(figures[~candidates.has_reference]).all()
    np.testing.assert_array_equal(figures[candidates.has_reference], figure_features(table, before)["identity_nw"])
