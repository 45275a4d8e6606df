"""The voters of one channel, added up: every donor speaks for a candidate, by rank, by weight and by evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.evidence import is_experimental, normalise_evidence_code
from protea_common.domain.ontology import ASPECTS
from protea_predictor.domain.features.ratio import ratio

__all__ = [
    "CURATED",
    "ELECTRONIC",
    "EXPERIMENTAL",
    "ChannelVotes",
    "cells_of",
    "evidence_kinds",
    "kind_votes",
    "rank_vote",
    "vote_owners",
    "weighted_vote",
]

_ELECTRONIC = "IEA"

EXPERIMENTAL, CURATED, ELECTRONIC = range(3)


@dataclass(frozen=True, slots=True, eq=False)
class ChannelVotes:
    """Votes of one channel; sums go over a vote's candidate and over all voters of its query and aspect.

    Attributes
    ----------
    owners
        Candidate of each vote, ascending, shape ``(n_votes,)``.
    ranks
        Rank of the donor, from 1, distinct among those of its query and aspect; same shape.
    weights
        What the donor weighs, not negative; same shape.
    evidence
        Number of the evidence code; same shape.
    cells
        Query and aspect of each candidate as one number, shape ``(n_candidates,)``.
    """

    owners: NDArray[np.int64]
    ranks: NDArray[np.int64]
    weights: NDArray[np.float64]
    evidence: NDArray[np.int16]
    cells: NDArray[np.int64]

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add values of votes up by candidate; one after the other, so that a batch's make-up changes no bit."""
        sums: NDArray[np.float64] = np.bincount(self.owners, values, minlength=len(self.cells)).astype(np.float64)
        return sums

    def shares(self, values: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
        """Divide the sum of a candidate's values by that of all voters of its cell.

        Parameters
        ----------
        values
            What is added up, shape ``(n_votes,)``.
        whole
            The same without what the candidate's sum leaves out.

        Returns
        -------
        shares
            In [0, 1], shape ``(n_candidates,)``; NaN where the cell has no voter, 0 where all its voters weigh 0.
        """
        totals = self._cell_totals(whole)[self.cells]
        shares = ratio(self.sums(values), totals, otherwise=0.0)
        # Sums in another order may differ in the last bit.
        return np.where(self._cell_voters()[self.cells] > 0, np.minimum(shares, 1.0), np.nan)

    def shares_of_best(
        self, values: NDArray[np.float64], speaks: NDArray[np.bool_], *, depth: int
    ) -> NDArray[np.float64]:
        """Divide among the best voters of a cell that say something what each of them weighs.

        Parameters
        ----------
        values
            Weight of each vote's donor, shape ``(n_votes,)``.
        speaks
            Which votes count; a donor none of whose votes in the cell counts is passed over.
        depth
            Donors that count in each cell, those of the lowest ranks.

        Returns
        -------
        shares
            In [0, 1], shape ``(n_candidates,)``; NaN where nobody speaks, 0 where all who speak weigh 0.
        """
        places, width = self._places()
        may_vote = np.zeros((int(self.cells.max(initial=-1)) + 1, width), dtype=np.bool_)
        may_vote.ravel()[places[speaks]] = True
        is_voter: NDArray[np.bool_] = may_vote & (np.cumsum(may_vote, axis=1) <= depth)
        counts = speaks & is_voter.ravel()[places]
        weights = np.where(counts, values, 0.0)
        totals = self._sums_of_cells(places[counts], values[counts], width)[self.cells]
        shares = ratio(self.sums(weights), totals, otherwise=0.0)
        has_voters = np.asarray(is_voter.any(axis=1))
        return np.where(has_voters[self.cells], np.minimum(shares, 1.0), np.nan)

    def _places(self) -> tuple[NDArray[np.int64], int]:
        """Place of each vote's donor in a table of cells by ranks, and the width of that table."""
        width = int(self.ranks.max(initial=0))
        return self.cells[self.owners] * width + self.ranks - 1, width

    def _sums_of_cells(self, places: NDArray[np.int64], values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
        """Add up each donor of a cell once, shape ``(n_cells,)``."""
        n_cells = int(self.cells.max(initial=-1)) + 1
        table = np.zeros(n_cells * width)
        table[places] = values
        totals = np.bincount(np.arange(len(table)) // max(width, 1), table, minlength=n_cells)
        return totals.astype(np.float64)

    def _cell_totals(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add up each voter of a cell once, by rank, however many candidates it votes for."""
        places, width = self._places()
        return self._sums_of_cells(places, values, width)

    def _cell_voters(self) -> NDArray[np.float64]:
        return self._cell_totals(np.ones(len(self.owners)))


def vote_owners(indptr: NDArray[np.int64]) -> NDArray[np.int64]:
    """Candidate of each entry of a ledger."""
    return np.repeat(np.arange(len(indptr) - 1, dtype=np.int64), np.diff(indptr))


def cells_of(query_row: NDArray[np.int64], aspects: NDArray[np.integer]) -> NDArray[np.int64]:
    """Give each candidate's query and aspect one number."""
    return query_row * len(ASPECTS) + aspects


def weighted_vote(votes: ChannelVotes) -> NDArray[np.float64]:
    """Donors' share of the weights."""
    return votes.shares(votes.weights, votes.weights)


def rank_vote(votes: ChannelVotes) -> NDArray[np.float64]:
    """Donors' share of the voters' 1/rank."""
    inverse = 1.0 / votes.ranks
    return votes.shares(inverse, inverse)


def kind_votes(votes: ChannelVotes, evidence_codes: Sequence[str], *, prefix: str) -> dict[str, NDArray[np.float64]]:
    """Split the weighted vote by the kind of the donors' evidence; the three add up to it."""
    kinds = evidence_kinds(evidence_codes)[votes.evidence]
    names = {"experimental": EXPERIMENTAL, "curated": CURATED, "electronic": ELECTRONIC}
    return {
        f"{prefix}_vote_{name}": votes.shares(np.where(kinds == kind, votes.weights, 0.0), votes.weights)
        for name, kind in names.items()
    }


def evidence_kinds(evidence_codes: Sequence[str]) -> NDArray[np.int8]:
    """Kind of each code: experimental, electronic (IEA) or, for any other, curated."""
    kinds = [
        EXPERIMENTAL if is_experimental(code) else ELECTRONIC if _is_electronic(code) else CURATED
        for code in evidence_codes
    ]
    return np.array(kinds, dtype=np.int8)


def _is_electronic(code: str) -> bool:
    return normalise_evidence_code(code).upper() == _ELECTRONIC
