"""Aggregates over all neighbours by embedding that vote for a candidate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.features.ratio import ratio
from protea_predictor.domain.features.votes import (
    EXPERIMENTAL,
    ChannelVotes,
    cells_of,
    evidence_kinds,
    kind_votes,
    rank_vote,
    vote_owners,
    weighted_vote,
)
from protea_predictor.domain.ragged import distinct_keys

__all__ = ["KNN_VOTERS", "knn_voter_features"]

KNN_VOTERS = 30
"""Nearest neighbours with a term in an aspect that vote in it; the farther ones of a large K say little."""


def knn_voter_features(
    candidates: Candidates,
    aspects: NDArray[np.integer],
    *,
    is_root: NDArray[np.bool_],
    evidence_codes: Sequence[str],
    largest_distance: float,
) -> dict[str, NDArray[Any]]:
    """Family ``knn_voters``.

    Parameters
    ----------
    candidates
        With their ledger.
    aspects
        Aspect of each candidate's term, shape ``(n_candidates,)``.
    is_root
        Whether it is the root of its aspect, same shape.
    evidence_codes
        Text of the ledger's evidence numbers.
    largest_distance
        Distance at which the similarity, which weighs a vote, is 0.
    """
    ledger = candidates.donors
    votes = ChannelVotes(
        owners=vote_owners(ledger.indptr),
        ranks=ledger.k_positions,
        weights=np.clip(1.0 - ledger.distances / largest_distance, 0.0, 1.0),
        evidence=ledger.evidence,
        cells=cells_of(candidates.query_row, aspects),
    )
    speaks = ~is_root[votes.owners]
    is_shown = evidence_kinds(evidence_codes)[votes.evidence] == EXPERIMENTAL
    squares = np.clip(1.0 - 2.0 * ledger.distances / largest_distance, 0.0, 1.0) ** 2
    return {
        "knn_weighted_vote": weighted_vote(votes),
        "knn_rank_vote": rank_vote(votes),
        "knn_sequence_vote": _sequence_vote(votes, ledger.sequence_ranks),
        **kind_votes(votes, evidence_codes, prefix="knn"),
        "knn_aspect_vote": votes.shares_of_best(squares, speaks, depth=KNN_VOTERS),
        "knn_aspect_vote_experimental": votes.shares_of_best(squares, speaks & is_shown, depth=KNN_VOTERS),
    }


def _sequence_vote(votes: ChannelVotes, sequence_ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Distinct sequences among the donors / among the cell's voters."""
    depth = int(sequence_ranks.max(initial=0)) + 1
    seen = distinct_keys(votes.owners * depth + sequence_ranks)
    donors = np.bincount(seen // depth, minlength=len(votes.cells))
    cells = votes.cells[votes.owners]
    in_cell = distinct_keys(cells * depth + sequence_ranks) // depth
    totals = np.bincount(in_cell, minlength=int(votes.cells.max(initial=-1)) + 1)[votes.cells]
    return ratio(donors, totals)
