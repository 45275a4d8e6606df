"""The references that a search by alignment finds for each query."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

__all__ = ["AlignedHits"]


@dataclass(frozen=True, slots=True, eq=False)
class AlignedHits:
    """Aligned references, by query, falling bit score and ascending reference row; shape ``(n_hits,)`` each.

    Attributes
    ----------
    query_row, reference_row
        The pair, as rows among the queries and among the references; no pair comes twice. int64.
    bit_score
        Of the local alignment, above 0; float64.
    e_value
        Alignments this good that chance would give in the whole bank, not negative; float64.
    identity
        Identical columns over all columns, in [0, 1]; float64.
    query_coverage, reference_coverage
        Share of the residues of each that the alignment spans, in [0, 1]; float64.
    """

    query_row: NDArray[np.int64]
    reference_row: NDArray[np.int64]
    bit_score: NDArray[np.float64]
    e_value: NDArray[np.float64]
    identity: NDArray[np.float64]
    query_coverage: NDArray[np.float64]
    reference_coverage: NDArray[np.float64]

    @classmethod
    def none(cls) -> AlignedHits:
        """No query has a hit."""
        rows = np.zeros(0, dtype=np.int64)
        return cls(rows, rows, *(np.zeros(0) for _ in range(5)))

    def __len__(self) -> int:
        return len(self.query_row)

    def where(self, mask: NDArray[np.bool_]) -> AlignedHits:
        """Keep the hits that the mask marks."""
        return AlignedHits(*(getattr(self, field.name)[mask] for field in fields(self)))

    def among_best(self, count: int) -> NDArray[np.bool_]:
        """Mark the first ``count`` hits of each query."""
        ranks = np.arange(len(self)) - np.searchsorted(self.query_row, self.query_row)
        is_among: NDArray[np.bool_] = ranks < count
        return is_among

    def best(self, *, per_query: int, own_rows: NDArray[np.int64]) -> AlignedHits:
        """Keep the best hits of each query, in their order, without the query itself.

        Parameters
        ----------
        per_query
            Hits kept of each query, at least 1.
        own_rows
            Reference row that is the query's own accession, -1 for none, shape ``(n_queries,)``.
        """
        order = np.lexsort((self.reference_row, -self.bit_score, self.query_row))
        order = order[self.reference_row[order] != own_rows[self.query_row[order]]]
        queries = self.query_row[order]
        ranks = np.arange(len(order)) - np.searchsorted(queries, queries)
        return AlignedHits(*(getattr(self, field.name)[order[ranks < per_query]] for field in fields(self)))
