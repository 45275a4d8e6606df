"""How common a term is among the references of the query's own species."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from protea_common.domain.ontology import ASPECTS
from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.carried_terms import CarriedTerms, Matrix
from protea_predictor.domain.features.ratio import ratio
from protea_predictor.domain.features.term_values import TermValues

__all__ = ["SpeciesPriors", "species_features"]

_SMOOTHING = 20.0
"""References of all species that are added to those of one: rare species lean on the others."""


@dataclass(frozen=True, slots=True, eq=False)
class SpeciesPriors:
    """How many references of each species have a term, and how many have a term of each aspect.

    Attributes
    ----------
    taxa
        Ascending and distinct.
    counts
        References of each taxon, by its position, with each term.
    totals
        References of all taxa with the term, shape ``(n_terms,)``.
    sizes
        References with a term other than the root, shape ``(n_taxa, 3)``.
    aspects
        Aspect of each term.
    """

    taxa: NDArray[np.int64]
    counts: TermValues
    totals: NDArray[np.float64]
    sizes: NDArray[np.int64]
    aspects: NDArray[np.int8]

    @classmethod
    def build(cls, carried: CarriedTerms, taxa: NDArray[np.integer]) -> SpeciesPriors:
        """Count what experiments gave the references of a bank; ``taxa`` are theirs, shape ``(n_references,)``."""
        return cls.of(carried.experimental, carried.aspects, taxa)

    @classmethod
    def of(cls, known: Matrix, aspects: NDArray[np.int8], taxa: NDArray[np.integer]) -> SpeciesPriors:
        """Count terms of references, shape ``(n_references, n_terms)``, as 0 and 1."""
        distinct, rows = np.unique(taxa.astype(np.int64), return_inverse=True)
        ones = np.ones(len(rows))
        members = csr_array((ones, (rows, np.arange(len(rows)))), shape=(len(distinct), len(rows)))
        has_aspect = np.zeros((len(rows), len(ASPECTS)), dtype=np.bool_)
        has_aspect[np.repeat(np.arange(len(rows)), np.diff(known.indptr)), aspects[known.indices]] = True
        sizes = (members @ has_aspect.astype(np.float64)).astype(np.int64)
        totals = np.asarray(known.sum(axis=0), dtype=np.float64).ravel()
        return cls(distinct, TermValues.of(members @ known), totals, sizes, aspects)

    def shares(self, taxa: NDArray[np.int64], term_row: NDArray[np.int64]) -> NDArray[np.float64]:
        """Share of the references of each taxon in the aspect that have the term, with 20 of all taxa added."""
        aspects = self.aspects[term_row]
        prior = ratio(self.totals[term_row], self.sizes.sum(axis=0)[aspects], otherwise=0.0)
        rows = np.minimum(np.searchsorted(self.taxa, taxa), max(0, len(self.taxa) - 1))
        is_there = self.taxa[rows] == taxa if len(self.taxa) else np.zeros(len(taxa), dtype=np.bool_)
        counts = np.where(is_there, self.counts.at(rows, term_row), 0.0)
        sizes = np.where(is_there, self.sizes[rows, aspects], 0) if len(self.taxa) else np.zeros(len(taxa))
        return (counts + _SMOOTHING * prior) / (sizes + _SMOOTHING)


def species_features(
    candidates: Candidates, priors: SpeciesPriors, query_taxa: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """Family ``species``; a query of a species without references has the share of all references."""
    return {"term_prior_species": priors.shares(query_taxa[candidates.query_row], candidates.term_row)}
