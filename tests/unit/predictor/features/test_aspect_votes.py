from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protea_common.domain.evidence import is_experimental
from protea_predictor.domain.alignment.hits import AlignedHits
from protea_predictor.domain.alignment.self_scores import self_bit_scores
from protea_predictor.domain.carried_terms import CarriedTerms, is_root
from protea_predictor.domain.features.aspect_votes import RankedDonors, vote_by_aspect
from support.transferred import Transferred, random_transfer

N_QUERIES, N_REFERENCES, N_TERMS, DEPTH = 5, 30, 25, 3


def dense(made: Transferred, *, only_experimental: bool) -> np.ndarray:
    """What each reference carries, read entry by entry."""
    table, roots = np.zeros((N_REFERENCES, N_TERMS)), is_root(made.graph)
    annotations = made.annotations
    for reference, term, code in zip(
        annotations.owners.tolist(), annotations.term_rows.tolist(), annotations.evidence.tolist(), strict=True
    ):
        is_wanted = not only_experimental or is_experimental(annotations.evidence_codes[code])
        table[reference, term] = is_wanted and not roots[term]
    return table


def random_donors(seed: int) -> RankedDonors:
    rng = np.random.default_rng(seed)
    pairs = [(query, reference) for query in range(N_QUERIES - 1) for reference in rng.permutation(N_REFERENCES)[:9]]
    queries, references = (np.array(column) for column in zip(*pairs, strict=True))
    weights = -np.sort(-rng.uniform(20, 90, size=(N_QUERIES - 1, 9)), axis=1).ravel()
    return RankedDonors(queries, references, weights, N_QUERIES)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_votes_are_shared_among_the_best_donors_of_each_aspect(seed: int, only_experimental: bool) -> None:
    made, donors = random_transfer(seed), random_donors(seed)
    carried = CarriedTerms.build(made.annotations, made.graph)
    matrix = carried.experimental if only_experimental else carried.every
    votes = vote_by_aspect(donors, matrix, carried.aspects, depth=DEPTH)
    table = dense(made, only_experimental=only_experimental)
    np.testing.assert_array_equal(matrix.toarray(), table)
    voters: set[tuple[int, int]] = set()
    for query in range(N_QUERIES):
        mine = donors.query_row == query
        for term in range(N_TERMS):
            of_aspect = made.graph.aspects == made.graph.aspects[term]
            able = [
                (weight, reference)
                for weight, reference in zip(donors.weights[mine], donors.reference_row[mine], strict=True)
                if table[reference, of_aspect].any()
            ][:DEPTH]
            voters |= {(query, int(reference)) for _, reference in able}
            total = sum(weight for weight, _ in able)
            share = sum(weight for weight, reference in able if table[reference, term]) / total if able else np.nan
            found = votes.at(np.array([query]), np.array([term]))[0]
            assert found == pytest.approx(share, abs=1e-12, nan_ok=True)
    pairs = zip(donors.query_row[votes.is_voter], donors.reference_row[votes.is_voter], strict=True)
    assert {(int(query), int(reference)) for query, reference in pairs} == voters


def test_the_other_queries_change_no_bit() -> None:
    made, donors = random_transfer(3), random_donors(3)
    carried = CarriedTerms.build(made.annotations, made.graph)
    together = vote_by_aspect(donors, carried.every, carried.aspects, depth=DEPTH)
    terms = np.arange(N_TERMS)
    for query in range(N_QUERIES):
        mine = donors.query_row == query
        own = RankedDonors(np.zeros(mine.sum(), np.int64), donors.reference_row[mine], donors.weights[mine], 1)
        alone = vote_by_aspect(own, carried.every, carried.aspects, depth=DEPTH)
        first = together.at(np.full(N_TERMS, query), terms)
        assert first.tobytes() == alone.at(np.zeros(N_TERMS, np.int64), terms).tobytes()


def test_nobody_to_vote_is_no_vote() -> None:
    made = random_transfer(3)
    carried = CarriedTerms.build(made.annotations, made.graph)
    hits = AlignedHits.none()
    donors = RankedDonors(hits.query_row, hits.reference_row, hits.bit_score, 2)
    votes = vote_by_aspect(donors, carried.every, carried.aspects, depth=DEPTH)
    assert np.isnan(votes.at(np.array([0, 1]), np.array([4, 7]))).all()


def test_bits_of_a_sequence_with_itself() -> None:
    # M, K and W score 5, 5 and 11 with themselves; bits of a raw score of 21 are (0.267 * 21 - ln 0.041) / ln 2.
    assert self_bit_scores(["MKW", "X" * 50]) == pytest.approx([12.697, 1.0], abs=1e-3)
