"""What an annotation set says of the queries themselves, by kind of evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_predictor.domain.features.self_prior import OwnTerms
from protea_predictor.domain.features.term_lists import TermLists
from protea_predictor.domain.features.votes import CURATED, ELECTRONIC, EXPERIMENTAL

__all__ = ["OwnAnnotations"]


@dataclass(frozen=True, slots=True, eq=False)
class OwnAnnotations:
    """Annotations that are not negated, in any order; shape ``(n,)`` each.

    Attributes
    ----------
    query_row, term_row
        Row among the queries and in the graph.
    kinds
        Kind of the evidence, as `evidence_kinds` numbers it.
    n_terms
        Terms of the graph.
    """

    query_row: NDArray[np.int64]
    term_row: NDArray[np.int64]
    kinds: NDArray[np.int8]
    n_terms: int

    @property
    def known(self) -> TermLists:
        """What experiments showed, as annotated."""
        return self._of_kind(EXPERIMENTAL)

    @property
    def stated(self) -> TermLists:
        """What any evidence says, as annotated."""
        return TermLists.of_pairs(self.query_row, self.term_row, n_terms=self.n_terms)

    def not_experimental(self, graph: GoGraph) -> OwnTerms:
        """Give the others, with the terms above them."""
        return OwnTerms(
            curated=self._of_kind(CURATED).propagated(graph), electronic=self._of_kind(ELECTRONIC).propagated(graph)
        )

    def _of_kind(self, kind: int) -> TermLists:
        chosen = self.kinds == kind
        return TermLists.of_pairs(self.query_row[chosen], self.term_row[chosen], n_terms=self.n_terms)
