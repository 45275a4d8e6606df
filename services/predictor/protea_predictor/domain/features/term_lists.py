"""Terms of each query, such as those known of it, and the question which candidates are among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from protea_common.domain.ontology import GoGraph
from protea_predictor.domain.ragged import distinct_keys, gather_rows, holds

__all__ = ["TermLists", "counts_of"]


@dataclass(frozen=True, slots=True, eq=False)
class TermLists:
    """Distinct pairs of a query and a term; instances come from `of_pairs`.

    Attributes
    ----------
    query_row, term_row
        Ascending by both, shape ``(n_pairs,)``.
    n_terms
        Terms of the graph.
    """

    query_row: NDArray[np.int64]
    term_row: NDArray[np.int64]
    n_terms: int

    @classmethod
    def of_pairs(cls, query_row: NDArray[np.integer], term_row: NDArray[np.integer], *, n_terms: int) -> TermLists:
        """Gather pairs in any order, as often as they come."""
        keys = distinct_keys(query_row.astype(np.int64) * n_terms + term_row)
        return cls(keys // n_terms, keys % n_terms, n_terms)

    @property
    def keys(self) -> NDArray[np.int64]:
        """``query * n_terms + term``, ascending."""
        return self.query_row * self.n_terms + self.term_row

    def matrix(self, *, n_queries: int) -> csr_array:
        """Lay the pairs out as 0 and 1, float32, shape ``(n_queries, n_terms)``."""
        ones = np.ones(len(self.query_row), dtype=np.float32)
        return csr_array((ones, (self.query_row, self.term_row)), shape=(n_queries, self.n_terms))

    def propagated(self, graph: GoGraph) -> TermLists:
        """Add the terms above (true-path rule)."""
        owners, positions = gather_rows(graph.closure_indptr, self.term_row)
        return TermLists.of_pairs(self.query_row[owners], graph.closure_indices[positions], n_terms=self.n_terms)

    def hold(self, query_row: NDArray[np.int64], term_row: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which of other pairs, in any order, are among these."""
        return holds(self.keys, query_row * self.n_terms + term_row)


def counts_of(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count how often each wanted key is among the keys, which come in any order."""
    distinct, counts = np.unique(keys, return_counts=True)
    if len(distinct) == 0:
        return np.zeros(len(wanted), dtype=np.int64)
    places = np.minimum(np.searchsorted(distinct, wanted), len(distinct) - 1)
    return np.where(distinct[places] == wanted, counts[places], 0)
