"""A release of the Gene Ontology together with the ids under which the database keeps its terms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph

__all__ = ["ROOT_TERMS", "StoredOntology"]

ROOT_TERMS = frozenset({"GO:0003674", "GO:0005575", "GO:0008150"})
"""The three aspects themselves: they hold for every protein, so predicting them says nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredOntology:
    """The graph of a release's live terms.

    Attributes
    ----------
    graph
        Terms and their ancestors.
    term_ids
        Database id of each term, by its row in the graph, shape ``(n_terms,)``.
    """

    graph: GoGraph
    term_ids: NDArray[np.int64]

    @property
    def is_root(self) -> NDArray[np.bool_]:
        """Whether a term is one of `ROOT_TERMS`, shape ``(n_terms,)``."""
        mask = np.zeros(len(self.term_ids), dtype=np.bool_)
        mask[[self.graph.row_of[go_id] for go_id in ROOT_TERMS if go_id in self.graph.row_of]] = True
        return mask

    def rows_of(self, term_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Find the row of each database id; -1 for a term that is not live in this release."""
        if len(self.term_ids) == 0:
            return np.full(len(term_ids), -1, dtype=np.int64)
        order = np.argsort(self.term_ids)
        places = np.minimum(np.searchsorted(self.term_ids, term_ids, sorter=order), len(order) - 1)
        rows = order[places]
        return np.where(self.term_ids[rows] == term_ids, rows, -1).astype(np.int64)
