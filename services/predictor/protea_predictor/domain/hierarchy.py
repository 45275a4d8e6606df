"""Consistency of scores with the ontology: what is true of a term is true of its ancestors."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_predictor.domain.errors import require_shape
from protea_predictor.domain.ragged import gather_rows

__all__ = ["raise_parents"]

_QUERIES_PER_BLOCK = 64
"""Queries worked on at once: the block takes ``64 * n_terms * 8`` bytes, 23 MB on the whole GO."""


def raise_parents(
    query_row: NDArray[np.integer], term_row: NDArray[np.integer], scores: NDArray[np.float64], graph: GoGraph
) -> NDArray[np.float64]:
    """Raise each term to the highest score of the terms below it that the same query has.

    Parameters
    ----------
    query_row, term_row, scores
        The candidates, in any order, shape ``(n_candidates,)`` each.
    graph
        The graph the term rows belong to.

    Returns
    -------
    scores
        Same shape and order; none is lower than before, and no term scores below a descendant. Terms a query does not
        have are not added.

    Raises
    ------
    ShapeMismatchError
        If the arrays differ in length.
    """
    require_shape(
        len(query_row) == len(term_row) == len(scores),
        f"{len(query_row)} queries, {len(term_row)} terms and {len(scores)} scores; give one of each per candidate.",
    )
    distinct, query_number = np.unique(query_row, return_inverse=True)
    order = np.argsort(query_number, kind="stable")
    block_starts = np.arange(0, len(distinct) + _QUERIES_PER_BLOCK, _QUERIES_PER_BLOCK)
    raised = scores.copy()
    for first, last in pairwise(np.searchsorted(query_number[order], block_starts)):
        block = order[first:last]
        raised[block] = _raised_block(query_number[block], term_row[block], scores[block], graph)
    return raised


def _raised_block(
    query_number: NDArray[np.integer], term_row: NDArray[np.integer], scores: NDArray[np.float64], graph: GoGraph
) -> NDArray[np.float64]:
    # (queries of the block) x (all terms): a table beats looking every ancestor up among the query's own terms.
    n_terms = len(graph.go_ids)
    best = np.full(_QUERIES_PER_BLOCK * n_terms, -np.inf)
    row_offset = (query_number % _QUERIES_PER_BLOCK) * n_terms
    owners, positions = gather_rows(graph.closure_indptr, term_row)
    np.maximum.at(best, row_offset[owners] + graph.closure_indices[positions], scores[owners])
    raised: NDArray[np.float64] = best[row_offset + term_row]
    return raised
