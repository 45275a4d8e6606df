"""Aggregates over all aligned references that vote for a candidate, and how far the two channels agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.features.ratio import ratio
from protea_predictor.domain.features.votes import (
    ChannelVotes,
    cells_of,
    kind_votes,
    rank_vote,
    vote_owners,
    weighted_vote,
)

__all__ = ["AlignedVoters", "alignment_voter_features", "channel_features"]


@dataclass(frozen=True, slots=True, eq=False)
class AlignedVoters:
    """Aligned references that carry each candidate, as CSR rows; a candidate may have none.

    Attributes
    ----------
    indptr
        Row boundaries, shape ``(n_candidates + 1,)``.
    reference_rows
        The donors, distinct within a candidate, shape ``(n_votes,)``.
    ranks
        Rank among the query's hits of the aspect, from 1, by falling bit score.
    bit_scores
        Of the alignment, above 0.
    identities
        Identical columns / columns, in [0, 1].
    e_values
        Alignments this good that chance would give in the whole bank, not negative.
    evidence
        Number of the evidence code of the donor's annotation.
    """

    indptr: NDArray[np.int64]
    reference_rows: NDArray[np.int64]
    ranks: NDArray[np.int64]
    bit_scores: NDArray[np.float64]
    identities: NDArray[np.float64]
    e_values: NDArray[np.float64]
    evidence: NDArray[np.int16]


def alignment_voter_features(
    candidates: Candidates, aligned: AlignedVoters, aspects: NDArray[np.integer], *, evidence_codes: Sequence[str]
) -> dict[str, NDArray[Any]]:
    """Family ``alignment_voters``; shares are NaN where the query has no hit in the aspect.

    Identities and bit scores are NaN for a candidate that no aligned reference carries.
    """
    votes = ChannelVotes(
        owners=vote_owners(aligned.indptr),
        ranks=aligned.ranks,
        weights=aligned.bit_scores,
        evidence=aligned.evidence,
        cells=cells_of(candidates.query_row, aspects),
    )
    ones = np.ones(len(votes.owners))
    best = _largest(votes, aligned.bit_scores)
    counts = votes.sums(ones)
    return {
        "alignment_vote_fraction": votes.shares(ones, ones),
        "alignment_weighted_vote": weighted_vote(votes),
        "alignment_rank_vote": rank_vote(votes),
        "alignment_max_identity": _largest(votes, aligned.identities),
        "alignment_mean_identity": ratio(votes.sums(aligned.identities), counts),
        "alignment_max_bitscore": best,
        "alignment_best_bitscore_fraction": best / _largest_of_cell(votes)[votes.cells],
        **kind_votes(votes, evidence_codes, prefix="alignment"),
    }


def channel_features(candidates: Candidates, aligned: AlignedVoters) -> dict[str, NDArray[Any]]:
    """Family ``channels``, which says nothing where there is only one."""
    neighbours = np.diff(candidates.donors.indptr)
    hits = np.diff(aligned.indptr)
    size = 1 + max(int(rows.max(initial=0)) for rows in (candidates.donors.reference_rows, aligned.reference_rows))
    keys = vote_owners(candidates.donors.indptr) * size + candidates.donors.reference_rows
    others = vote_owners(aligned.indptr) * size + aligned.reference_rows
    both = np.bincount(np.intersect1d(keys, others, assume_unique=True) // size, minlength=len(candidates))
    agreement = ratio(both, neighbours + hits - both)
    return {"knn_present": neighbours > 0, "alignment_present": hits > 0, "channel_agreement": agreement}


def _largest(votes: ChannelVotes, values: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = np.full(len(votes.cells), -np.inf)
    np.maximum.at(largest, votes.owners, values)
    return np.where(np.isfinite(largest), largest, np.nan)


def _largest_of_cell(votes: ChannelVotes) -> NDArray[np.float64]:
    largest = np.full(int(votes.cells.max(initial=-1)) + 1, np.nan)
    np.fmax.at(largest, votes.cells[votes.owners], votes.weights)
    return largest
