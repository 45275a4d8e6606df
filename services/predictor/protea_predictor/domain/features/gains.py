"""How often terms were gained in the year before t0: what is studied now is what is found next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS
from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.carried_terms import Matrix, pick_entries
from protea_predictor.domain.features.species import SpeciesPriors
from protea_predictor.domain.reranking.categories import CATEGORIES, categories_of

__all__ = ["TermGains"]


@dataclass(frozen=True, slots=True, eq=False)
class TermGains:
    """What experiments gave references within a year, by how much was known of them at its beginning.

    Attributes
    ----------
    by_category
        Terms gained by the references of each of `CATEGORIES`, of every species; none where it is not known when they
        got them.
    """

    by_category: tuple[SpeciesPriors, ...]

    @classmethod
    def build(cls, *, before: Matrix, after: Matrix, aspects: NDArray[np.int8], taxa: NDArray[np.integer]) -> TermGains:
        """Compare what references had.

        Parameters
        ----------
        before, after
            Experimental terms at the beginning and at the end of the year, with the terms above them and without roots,
            shape ``(n_references, n_terms)``.
        aspects
            Aspect of each term.
        taxa
            Of the references.
        """
        gained = Matrix(after - after.multiply(before))
        gained.eliminate_zeros()
        categories = categories_of(_knows_aspects(before, aspects))
        owners = np.repeat(np.arange(gained.shape[0]), np.diff(gained.indptr))
        category = categories[owners, aspects[gained.indices]]
        counted = (pick_entries(gained, category == number) for number in range(len(CATEGORIES)))
        return cls(tuple(SpeciesPriors.of(of_category, aspects, taxa) for of_category in counted))

    def features(
        self, candidates: Candidates, query_taxa: NDArray[np.int64], categories: NDArray[np.int8]
    ) -> dict[str, NDArray[Any]]:
        """Family ``gains``; ``categories`` are those of the queries in each aspect, shape ``(n_queries, 3)``.

        NaN where it is not known when references got their terms.
        """
        shares = np.full(len(candidates), np.nan)
        for number, gains in enumerate(self.by_category):
            mine = categories[candidates.query_row, gains.aspects[candidates.term_row]] == number
            shares[mine] = gains.shares(query_taxa[candidates.query_row[mine]], candidates.term_row[mine])
        return {"term_gains_species": shares}


def _knows_aspects(known: Matrix, aspects: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Whether each reference had a term of each aspect."""
    knows = np.zeros((known.shape[0], len(ASPECTS)), dtype=np.bool_)
    knows[np.repeat(np.arange(known.shape[0]), np.diff(known.indptr)), aspects[known.indices]] = True
    return knows
