"""What was learnt about queries in a window, and with it the label and the category of each of their candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS, GoGraph
from protea_predictor.domain.ragged import distinct_keys, gather_rows, holds
from protea_predictor.domain.reranking.categories import CATEGORIES, NO_CATEGORY, Category

__all__ = ["Pairs", "WindowTruth", "propagated_keys"]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Queries with terms, in any order; arrays of shape ``(n_pairs,)``.

    Attributes
    ----------
    query_row, term_row
        Rows among the queries and in the `GoGraph`.
    """

    query_row: NDArray[np.int64]
    term_row: NDArray[np.int64]

    @classmethod
    def none(cls) -> Pairs:
        """Give no pairs."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self.query_row)


def propagated_keys(pairs: Pairs, graph: GoGraph) -> NDArray[np.int64]:
    """Give the pairs with all terms above theirs, each as the number ``query_row * n_terms + term_row``, ascending."""
    owners, positions = gather_rows(graph.closure_indptr, pairs.term_row)
    return distinct_keys(
        pairs.query_row[owners] * len(graph.go_ids) + graph.closure_indices[positions].astype(np.int64)
    )


@dataclass(frozen=True, slots=True, eq=False)
class WindowTruth:
    """The terms that queries gained in a window, as an evaluation counts them.

    Terms are propagated and roots left out. Of partial knowledge, known terms and those above them are left out too,
    for they are neither to be found nor held against a prediction. A query is of a category in an aspect if it has
    something to find there; every query and aspect is of one category at most.

    Attributes
    ----------
    keys
        Gained pairs, as `propagated_keys` numbers them, ascending.
    known
        Pairs known at t0 in the aspects of partial knowledge, likewise.
    categories
        Position in `CATEGORIES` of each query in each aspect, or `NO_CATEGORY`, shape ``(n_queries, 3)``.
    graph
        The graph of the terms.
    """

    keys: NDArray[np.int64]
    known: NDArray[np.int64]
    categories: NDArray[np.int8]
    graph: GoGraph

    @classmethod
    def build(cls, gained: Mapping[Category, Pairs], known: Pairs, graph: GoGraph, *, n_queries: int) -> WindowTruth:
        """Build the truth from pairs as annotated."""
        n_terms, is_root = len(graph.go_ids), np.diff(graph.closure_indptr) == 1
        known_keys = propagated_keys(known, graph)
        categories = np.full((n_queries, len(ASPECTS)), NO_CATEGORY, dtype=np.int8)
        parts = []
        for number, category in enumerate(CATEGORIES):
            keys = propagated_keys(gained.get(category, Pairs.none()), graph)
            keys = keys[~is_root[keys % n_terms]]
            if category is Category.PARTIAL_KNOWLEDGE:
                keys = np.setdiff1d(keys, known_keys, assume_unique=True)
            categories[keys // n_terms, graph.aspects[keys % n_terms]] = number
            parts.append(keys)
        return cls(distinct_keys(np.concatenate(parts)), known_keys, categories, graph)

    def categories_of(self, query_row: NDArray[np.int64], term_row: NDArray[np.int64]) -> NDArray[np.int8]:
        """Category of each candidate; `NO_CATEGORY` for those that are not measured.

        Those are roots, what was known already, and queries in an aspect in which they gained nothing.
        """
        categories = self.categories[query_row, self.graph.aspects[term_row]].copy()
        is_root = np.diff(self.graph.closure_indptr)[term_row] == 1
        categories[is_root | holds(self.known, self._keys_of(query_row, term_row))] = NO_CATEGORY
        return categories

    def labels_of(self, query_row: NDArray[np.int64], term_row: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each candidate was gained."""
        return holds(self.keys, self._keys_of(query_row, term_row))

    def sizes(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum the weights of what there is to find, shape ``(n_queries, 3)``.

        Parameters
        ----------
        weights
            Of each term of the graph.
        """
        query_row, term_row = np.divmod(self.keys, len(self.graph.go_ids))
        sums = np.zeros(self.categories.shape)
        np.add.at(sums, (query_row, self.graph.aspects[term_row]), weights[term_row])
        return sums

    def _keys_of(self, query_row: NDArray[np.int64], term_row: NDArray[np.int64]) -> NDArray[np.int64]:
        return query_row * len(self.graph.go_ids) + term_row
