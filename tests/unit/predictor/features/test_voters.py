from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protea_common.domain.evidence import is_experimental
from protea_predictor.domain.carried_terms import is_root
from protea_predictor.domain.features.alignment_voters import (
    AlignedVoters,
    alignment_voter_features,
    channel_features,
    self_bitscore_fraction,
)
from protea_predictor.domain.features.knn_voters import knn_voter_features
from protea_predictor.domain.features.votes import ChannelVotes
from support.transferred import Transferred, random_transfer

KINDS = ("aspect_vote", "aspect_vote_experimental")
NAMES = ("weighted_vote", "rank_vote", "sequence_vote", "vote_experimental", "vote_curated", "vote_electronic", *KINDS)


def voters_one_by_one(made: Transferred) -> dict[str, list[float]]:
    """The same by definition: each candidate against all voters of its query and aspect."""
    candidates, donors = made.candidates, made.candidates.donors
    voters: dict[tuple[int, int], dict[int, tuple[float, int, int, str]]] = defaultdict(dict)
    mine: list[dict[int, tuple[float, int, int, str]]] = []
    for row in range(len(candidates)):
        own = {}
        for place in range(donors.indptr[row], donors.indptr[row + 1]):
            code = made.annotations.evidence_codes[donors.evidence[place]]
            similarity = 1 - donors.distances[place] / 2
            own[int(donors.reference_rows[place])] = (
                similarity,
                int(donors.k_positions[place]),
                int(made.sequences.references[donors.reference_rows[place]]),
                code,
            )
        cell = (int(candidates.query_row[row]), int(made.graph.aspects[candidates.term_row[row]]))
        voters[cell] |= own
        mine.append(own)
    columns: dict[str, list[float]] = {name: [] for name in NAMES}
    columns |= aspect_votes_one_by_one(made)
    for row, own in enumerate(mine):
        everyone = voters[int(candidates.query_row[row]), int(made.graph.aspects[candidates.term_row[row]])]
        total = sum(similarity for similarity, *_ in everyone.values())
        columns["weighted_vote"].append(sum(similarity for similarity, *_ in own.values()) / total)
        ranks = sum(1 / rank for _, rank, *_ in everyone.values())
        columns["rank_vote"].append(sum(1 / rank for _, rank, *_ in own.values()) / ranks)
        columns["sequence_vote"].append(
            len({sequence for *_, sequence, _ in own.values()}) / len({s for *_, s, _ in everyone.values()})
        )
        kinds = {"experimental": 0.0, "electronic": 0.0, "curated": 0.0}
        for similarity, _, _, code in own.values():
            kind = "experimental" if is_experimental(code) else "electronic" if code == "IEA" else "curated"
            kinds[kind] += similarity / total
        for kind, share in kinds.items():
            columns[f"vote_{kind}"].append(share)
    return columns


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_votes_of_neighbours_are_what_their_definition_says(seed: int) -> None:
    made = random_transfer(seed)
    found = knn_voter_features(
        made.candidates,
        made.graph.aspects[made.candidates.term_row],
        is_root=is_root(made.graph)[made.candidates.term_row],
        evidence_codes=made.annotations.evidence_codes,
        largest_distance=2.0,
    )
    for name, expected in voters_one_by_one(made).items():
        np.testing.assert_allclose(found[f"knn_{name}"], expected, atol=1e-12, err_msg=name)


def aspect_votes_one_by_one(made: Transferred) -> dict[str, list[float]]:
    """Shares among those neighbours alone that give a term of the aspect other than its root."""
    candidates, donors = made.candidates, made.candidates.donors
    roots = is_root(made.graph)
    columns: dict[str, list[float]] = {}
    for name, is_wanted in ((KINDS[0], lambda _: True), (KINDS[1], is_experimental)):
        mine: list[dict[int, float]] = []
        voters: dict[tuple[int, int], dict[int, float]] = defaultdict(dict)
        cells = list(zip(candidates.query_row.tolist(), made.graph.aspects[candidates.term_row].tolist(), strict=True))
        for row, cell in enumerate(cells):
            places = range(donors.indptr[row], donors.indptr[row + 1])
            own = {
                int(donors.reference_rows[place]): max(0.0, 1 - float(donors.distances[place])) ** 2
                for place in places
                if is_wanted(made.annotations.evidence_codes[donors.evidence[place]])
                and not roots[candidates.term_row[row]]
            }
            mine.append(own)
            voters[cell] |= own
        totals = {cell: sum(weights.values()) for cell, weights in voters.items()}
        columns[name] = [
            np.nan if not voters[cell] else sum(own.values()) / totals[cell] if totals[cell] else 0.0
            for own, cell in zip(mine, cells, strict=True)
        ]
    return columns


def test_only_the_nearest_voters_that_speak_count() -> None:
    # One cell: candidate 0 has donors of ranks 1, 2 and 3, candidate 1 those of 1 and 4; the first says nothing.
    votes = ChannelVotes(
        owners=np.array([0, 0, 0, 1, 1]),
        ranks=np.array([1, 2, 3, 1, 4]),
        weights=np.ones(5),
        evidence=np.zeros(5, dtype=np.int16),
        cells=np.zeros(2, dtype=np.int64),
    )
    values, speaks = np.array([0.9, 0.4, 0.2, 0.9, 0.1]), np.array([False, True, True, False, True])
    assert votes.shares_of_best(values, speaks, depth=2) == pytest.approx([1, 0])
    assert votes.shares_of_best(values, speaks, depth=3) == pytest.approx([0.6 / 0.7, 0.1 / 0.7])
    assert np.isnan(votes.shares_of_best(values, np.zeros(5, dtype=np.bool_), depth=2)).all()


def aligned_example() -> tuple[Transferred, AlignedVoters]:
    """One query; hits 7, 8 and 9 with 100, 50 and 50 bits; the first candidate has 7 and 9, the last none."""
    made = random_transfer(5, n_queries=1)
    n = len(made.candidates)
    aspects = made.graph.aspects[made.candidates.term_row]
    first, second = np.flatnonzero(aspects == aspects[0])[:2]
    owners = np.array([first, first, second])
    return made, AlignedVoters(
        indptr=np.searchsorted(owners, np.arange(n + 1)),
        reference_rows=np.array([7, 9, 8]),
        ranks=np.array([1, 3, 2]),
        bit_scores=np.array([100.0, 50.0, 50.0]),
        identities=np.array([0.9, 0.3, 0.5]),
        e_values=np.array([1e-30, 1e-9, 1e-9]),
        evidence=np.array([0, 1, 0], dtype=np.int16),
    )


def test_a_worked_example_of_aligned_voters() -> None:
    made, aligned = aligned_example()
    aspects = made.graph.aspects[made.candidates.term_row]
    found = alignment_voter_features(made.candidates, aligned, aspects, evidence_codes=("IDA", "IEA"))
    first, second, third = np.flatnonzero(aspects == aspects[0])[:3]
    assert found["alignment_vote_fraction"][[first, second, third]] == pytest.approx([2 / 3, 1 / 3, 0])
    assert found["alignment_weighted_vote"][[first, second, third]] == pytest.approx([0.75, 0.25, 0])
    assert found["alignment_rank_vote"][first] == pytest.approx((1 + 1 / 3) / (1 + 1 / 2 + 1 / 3))
    assert found["alignment_max_identity"][[first, second]] == pytest.approx([0.9, 0.5])
    assert found["alignment_mean_identity"][first] == pytest.approx(0.6)
    assert found["alignment_max_bitscore"][[first, second]] == pytest.approx([100, 50])
    assert found["alignment_best_bitscore_fraction"][[first, second]] == pytest.approx([1, 0.5])
    assert found["alignment_vote_experimental"][first] == pytest.approx(0.5)
    assert found["alignment_vote_electronic"][first] == pytest.approx(0.25)
    assert found["alignment_vote_curated"][first] == 0
    assert np.isnan(found["alignment_max_identity"][third])


def test_the_best_donor_beside_the_query_itself() -> None:
    made, aligned = aligned_example()
    aspects = made.graph.aspects[made.candidates.term_row]
    columns = alignment_voter_features(made.candidates, aligned, aspects, evidence_codes=("IDA", "IEA"))
    first, second, third = np.flatnonzero(aspects == aspects[0])[:3]
    found = self_bitscore_fraction(made.candidates, columns, np.array([80.0]))["alignment_self_bitscore_fraction"]
    assert found[[first, second]] == pytest.approx([1, 0.625])  # 100 and 50 of 80 bits
    assert np.isnan(found[third])


def test_an_aspect_without_hits_has_no_shares() -> None:
    made, aligned = aligned_example()
    aspects = made.graph.aspects[made.candidates.term_row]
    found = alignment_voter_features(made.candidates, aligned, aspects, evidence_codes=("IDA", "IEA"))
    elsewhere = aspects != aspects[0]
    assert elsewhere.any()
    assert np.isnan(found["alignment_weighted_vote"][elsewhere]).all()


def test_channels_agree_on_the_donors_that_both_found() -> None:
    made, aligned = aligned_example()
    donors = made.candidates.donors
    found = channel_features(made.candidates, aligned)
    assert found["knn_present"].all()
    assert found["alignment_present"].sum() == 2
    for row in range(len(made.candidates)):
        near = set(donors.reference_rows[donors.indptr[row] : donors.indptr[row + 1]].tolist())
        hits = set(aligned.reference_rows[aligned.indptr[row] : aligned.indptr[row + 1]].tolist())
        assert found["channel_agreement"][row] == pytest.approx(len(near & hits) / len(near | hits))
