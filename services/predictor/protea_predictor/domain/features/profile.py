"""Votes of the references that are annotated most like the query: what goes with what is known of it already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import diags_array

from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.carried_terms import CarriedTerms, Matrix
from protea_predictor.domain.features.aspect_votes import AspectVotes, RankedDonors, vote_by_aspect
from protea_predictor.domain.features.term_lists import TermLists
from protea_predictor.domain.ragged import group_starts

__all__ = ["ProfileVotes", "ReferenceProfiles", "vote_by_profile"]

_DONORS = 50
"""References most like the query that vote."""

_MOST_BITS = 10.0
"""Weight of a term in a profile at most; the rarest would decide alone."""

_CELLS_AT_ONCE = 16_000_000
"""Cosines held at a time, 64 MB in single precision; fewer cost time per product, more cost memory."""


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceProfiles:
    """Profiles of all references: their terms weighted by information accretion, of length 1.

    Attributes
    ----------
    every, experimental
        Terms by references, float32, shape ``(n_terms, n_references)``; by any evidence and by experiment.
    weights
        Weight of each term, at most 10 bits, float32.
    carried
        What the references have.
    """

    every: Matrix
    experimental: Matrix
    weights: NDArray[np.float32]
    carried: CarriedTerms

    @classmethod
    def build(cls, carried: CarriedTerms, accretion: NDArray[np.floating]) -> ReferenceProfiles:
        """Weigh what references have; ``accretion`` is in bits, shape ``(n_terms,)``."""
        weights = np.minimum(accretion, _MOST_BITS).astype(np.float32)
        every, experimental = (
            Matrix(_unit_rows(matrix, weights).T) for matrix in (carried.every, carried.experimental)
        )
        return cls(every, experimental, weights, carried)


@dataclass(frozen=True, slots=True, eq=False)
class ProfileVotes:
    """What the references most like each query say, by any evidence and by experiment."""

    every: AspectVotes
    experimental: AspectVotes

    def features(self, candidates: Candidates) -> dict[str, NDArray[Any]]:
        """Family ``profile``; NaN where nothing is known of the query, or nobody like it has a term in the aspect."""
        return {
            "profile_vote": self.every.at(candidates.query_row, candidates.term_row),
            "profile_vote_experimental": self.experimental.at(candidates.query_row, candidates.term_row),
        }


def vote_by_profile(
    profiles: ReferenceProfiles, *, every: TermLists, experimental: TermLists, own_rows: NDArray[np.int64]
) -> ProfileVotes:
    """Let the references whose terms are most like those known of each query vote with the squared cosine.

    Parameters
    ----------
    profiles
        Of the references.
    every, experimental
        What is known of each query, with the terms above it, by any evidence and by experiment; the former are compared
        with what references have by any evidence, the latter with what experiments showed of them.
    own_rows
        Reference row that is the query's own accession and never votes, -1 for none, shape ``(n_queries,)``.
    """
    carried = profiles.carried

    def votes(known: TermLists, bank: Matrix, donors: Matrix) -> AspectVotes:
        asked = _unit_rows(known.matrix(n_queries=len(own_rows)), profiles.weights)
        return vote_by_aspect(_most_alike(asked, bank, own_rows), donors, carried.aspects, depth=_DONORS)

    return ProfileVotes(
        every=votes(every, profiles.every, carried.every),
        experimental=votes(experimental, profiles.experimental, carried.experimental),
    )


def _unit_rows(terms: Matrix, weights: NDArray[np.float32]) -> Matrix:
    """Weigh each column, then bring each row to length 1; a row of weight 0 stays 0."""
    weighted = Matrix(terms @ diags_array(weights))
    weighted.eliminate_zeros()
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return Matrix(diags_array((1 / np.maximum(lengths, 1e-6)).astype(np.float32)) @ weighted)


def _most_alike(asked: Matrix, bank: Matrix, own_rows: NDArray[np.int64]) -> RankedDonors:
    """Find the references with the greatest cosines above 0; of equal ones the first rows."""
    n_queries, n_references = asked.shape[0], bank.shape[1]
    at_once = max(1, _CELLS_AT_ONCE // max(1, n_references))
    blocks = [
        _most_alike_of(Matrix(asked[first : first + at_once]), bank, own_rows[first : first + at_once], first=first)
        for first in range(0, n_queries, at_once)
    ]
    columns = [np.concatenate(column) for column in zip(*blocks, strict=True)] if blocks else [np.empty(0, int)] * 3
    return RankedDonors(columns[0], columns[1], columns[2].astype(np.float64) ** 2, n_queries)


def _most_alike_of(
    asked: Matrix, bank: Matrix, own_rows: NDArray[np.int64], *, first: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    cosines = (asked @ bank).toarray()
    is_reference = np.flatnonzero(own_rows >= 0)
    cosines[is_reference, own_rows[is_reference]] = 0
    depth = min(_DONORS, cosines.shape[1])
    least = np.partition(cosines, -depth, axis=1)[:, -depth] if depth else np.zeros(len(cosines))
    queries, references = np.nonzero((cosines >= least[:, None]) & (cosines > 0))
    found = cosines[queries, references]
    order = np.lexsort((references, -found, queries))
    starts = group_starts(queries)
    ranks = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    order = order[ranks < depth]
    return queries[order] + first, references[order], found[order]
