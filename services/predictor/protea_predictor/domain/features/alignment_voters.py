"""Aggregates over all aligned references that vote for a candidate, and how far the two channels agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.alignment.hits import AlignedHits
from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.carried_terms import CarriedTerms
from protea_predictor.domain.features.aspect_votes import AspectVotes, RankedDonors, vote_by_aspect
from protea_predictor.domain.features.ratio import ratio
from protea_predictor.domain.features.votes import (
    ChannelVotes,
    cells_of,
    kind_votes,
    rank_vote,
    vote_owners,
    weighted_vote,
)
from protea_predictor.domain.ragged import distinct_keys

__all__ = [
    "ALIGNMENT_DONORS",
    "AlignedByAspect",
    "AlignedVoters",
    "aligned_by_aspect",
    "alignment_voter_features",
    "aspect_vote_features",
    "channel_features",
    "self_bitscore_fraction",
]

ALIGNMENT_DONORS = 50
"""Best hits of a query that are its donors, and of each aspect those that vote in it."""


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


@dataclass(frozen=True, slots=True, eq=False)
class AlignedByAspect:
    """What the best hits of each aspect say.

    Attributes
    ----------
    every, experimental
        Votes of the `ALIGNMENT_DONORS` best hits that have a term in the aspect, by any evidence and by experiment.
    """

    every: AspectVotes
    experimental: AspectVotes

    @property
    def is_voter(self) -> NDArray[np.bool_]:
        """Which hits vote in any aspect."""
        return self.every.is_voter | self.experimental.is_voter

    @property
    def keys(self) -> NDArray[np.int64]:
        """Pairs of a query and a term that are voted for, as ``query * n_terms + term``, ascending."""
        return distinct_keys(np.concatenate((self.every.shares.keys, self.experimental.shares.keys)))


def aligned_by_aspect(hits: AlignedHits, carried: CarriedTerms, *, n_queries: int) -> AlignedByAspect:
    """Let the best hits of each aspect vote with their bit scores."""
    donors = RankedDonors(hits.query_row, hits.reference_row, hits.bit_score, n_queries)
    every, experimental = (
        vote_by_aspect(donors, matrix, carried.aspects, depth=ALIGNMENT_DONORS)
        for matrix in (carried.every, carried.experimental)
    )
    return AlignedByAspect(every, experimental)


def aspect_vote_features(candidates: Candidates, votes: AlignedByAspect) -> dict[str, NDArray[Any]]:
    """Two more of the family ``alignment_voters``; NaN where no hit of the kind has a term in the aspect."""
    return {
        "alignment_aspect_vote": votes.every.at(candidates.query_row, candidates.term_row),
        "alignment_aspect_vote_experimental": votes.experimental.at(candidates.query_row, candidates.term_row),
    }


def self_bitscore_fraction(
    candidates: Candidates, columns: Mapping[str, NDArray[Any]], self_bit_scores: NDArray[np.float64]
) -> dict[str, NDArray[Any]]:
    """Another of the family ``alignment_voters``: how far the best donor is from being the query itself.

    Parameters
    ----------
    columns
        Those of `alignment_voter_features`.
    self_bit_scores
        Bit score of each query with itself, shape ``(n_queries,)``.
    """
    fractions = columns["alignment_max_bitscore"] / self_bit_scores[candidates.query_row]
    return {"alignment_self_bitscore_fraction": np.minimum(fractions, 1.0)}


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
