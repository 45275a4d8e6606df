"""Votes for each aspect apart: the best donors that have a term in an aspect share its terms among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS
from protea_predictor.domain.carried_terms import Matrix, pick_entries
from protea_predictor.domain.features.ratio import ratio
from protea_predictor.domain.features.term_values import TermValues

__all__ = ["AspectShares", "AspectVotes", "RankedDonors", "vote_by_aspect"]


@dataclass(frozen=True, slots=True, eq=False)
class RankedDonors:
    """Donors of queries, by query and best first; shape ``(n_donors,)`` each.

    Attributes
    ----------
    query_row, reference_row
        The pair; none comes twice.
    weights
        What the donor's vote weighs, above 0.
    n_queries
        Queries, with donors or without.
    """

    query_row: NDArray[np.int64]
    reference_row: NDArray[np.int64]
    weights: NDArray[np.float64]
    n_queries: int


@dataclass(frozen=True, slots=True, eq=False)
class AspectShares:
    """What the voters of each query and aspect say.

    Attributes
    ----------
    shares
        Weight of the voters with a term / weight of all that vote in its aspect, in [0, 1].
    has_voters
        Whether anyone votes, shape ``(n_queries, 3)``.
    aspects
        Aspect of each term, shape ``(n_terms,)``.
    """

    shares: TermValues
    has_voters: NDArray[np.bool_]
    aspects: NDArray[np.int8]

    def at(self, query_row: NDArray[np.int64], term_row: NDArray[np.int64]) -> NDArray[np.float64]:
        """Look the shares of candidates up: 0 where no voter has the term, NaN where nobody votes."""
        shares = self.shares.at(query_row, term_row)
        return np.where(self.has_voters[query_row, self.aspects[term_row]], shares, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class AspectVotes(AspectShares):
    """What ranked donors say, and which of them were heard.

    Attributes
    ----------
    is_voter
        Which donors vote in any aspect, shape ``(n_donors,)``.
    """

    is_voter: NDArray[np.bool_]


def vote_by_aspect(donors: RankedDonors, carried: Matrix, aspects: NDArray[np.int8], *, depth: int) -> AspectVotes:
    """Let the best donors that have a term in an aspect vote for the terms of that aspect.

    Parameters
    ----------
    donors
        Who may vote.
    carried
        What references have, of one kind of evidence, as in `CarriedTerms`.
    aspects
        Aspect of each term.
    depth
        Donors that vote in each aspect.
    """
    references, columns = np.unique(donors.reference_row, return_inverse=True)
    terms = Matrix(carried[references].astype(np.float64))
    shape = (donors.n_queries, len(references))
    has_voters = np.zeros((donors.n_queries, len(ASPECTS)), dtype=np.bool_)
    is_voter = np.zeros(len(columns), dtype=np.bool_)
    shares = Matrix((donors.n_queries, carried.shape[1]), dtype=np.float64)
    for aspect in range(len(ASPECTS)):
        of_aspect = pick_entries(terms, aspects[terms.indices] == aspect)
        voters = _voters(donors.query_row, np.diff(of_aspect.indptr)[columns] > 0, depth=depth)
        queries, weights = donors.query_row[voters], donors.weights[voters]
        totals = np.bincount(queries, weights, minlength=donors.n_queries)
        parts = ratio(weights, totals[queries])
        has_voters[queries, aspect] = True
        is_voter[voters] = True
        shares = Matrix(shares + Matrix((parts, (queries, columns[voters])), shape=shape) @ of_aspect)
    shares.data = np.minimum(shares.data, 1.0)  # a sum of parts may pass 1 by its last bit
    return AspectVotes(TermValues.of(shares), has_voters, aspects, is_voter)


def _voters(query_row: NDArray[np.int64], may_vote: NDArray[np.bool_], *, depth: int) -> NDArray[np.int64]:
    """Positions of the first ``depth`` donors of each query that may vote."""
    allowed = np.flatnonzero(may_vote)
    queries = query_row[allowed]
    ranks = np.arange(len(allowed)) - np.searchsorted(queries, queries)
    chosen: NDArray[np.int64] = allowed[ranks < depth]
    return chosen
