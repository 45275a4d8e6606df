"""Values of pairs of a query and a term that come as sparse matrices, looked up for candidates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

__all__ = ["TermValues"]


@dataclass(frozen=True, slots=True, eq=False)
class TermValues:
    """Values above 0 of pairs of a query and a term; every other pair has 0.

    Attributes
    ----------
    keys
        ``query * n_terms + term``, ascending and distinct, shape ``(n,)``.
    values
        Float64, same shape.
    n_terms
        Terms of the graph.
    """

    keys: NDArray[np.int64]
    values: NDArray[np.float64]
    n_terms: int

    @classmethod
    def of(cls, matrix: csr_array) -> TermValues:
        """Take the values above 0 of a matrix, shape ``(n_queries, n_terms)``."""
        rows = matrix.tocoo()
        keys = rows.row.astype(np.int64) * matrix.shape[1] + rows.col
        order = np.argsort(keys)
        order = order[rows.data[order] > 0]
        return cls(keys[order], rows.data[order].astype(np.float64), matrix.shape[1])

    def at(self, query_row: NDArray[np.int64], term_row: NDArray[np.int64]) -> NDArray[np.float64]:
        """Look pairs up, in any order."""
        found = np.zeros(len(query_row))
        if len(self.keys) == 0:
            return found
        wanted = query_row * self.n_terms + term_row
        places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[places] == wanted, self.values[places], found)
