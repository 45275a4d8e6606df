"""What was known of proteins at t0, from what annotations state; a denial takes its term and all below it away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS, GoGraph
from protea_predictor.domain.ragged import distinct_keys, holds
from protea_predictor.domain.reranking.categories import categories_of
from protea_predictor.domain.reranking.truth import Pairs

__all__ = ["StatedTerms", "known_aspects", "known_pairs", "stated_categories"]


@dataclass(frozen=True, slots=True, eq=False)
class StatedTerms:
    """Annotations by experiment, and denials by whatever evidence; in any order, shape ``(n,)`` each.

    Attributes
    ----------
    protein_row, term_row
        Number of the protein and row in the `GoGraph`.
    is_negated
        Whether it is said that the protein does not have the term.
    """

    protein_row: NDArray[np.int64]
    term_row: NDArray[np.int64]
    is_negated: NDArray[np.bool_]


def known_pairs(stated: StatedTerms, graph: GoGraph) -> Pairs:
    """Find the pairs that stand, as annotated, without repetition."""
    n_terms = len(graph.go_ids)
    keys = stated.protein_row * n_terms + stated.term_row
    standing = distinct_keys(keys[~stated.is_negated])
    denied = [np.empty(0, np.int64)]
    for key in distinct_keys(keys[stated.is_negated]):
        protein, term = divmod(int(key), n_terms)
        denied.append(protein * n_terms + np.append(graph.descendants(term).astype(np.int64), term))
    standing = standing[~holds(distinct_keys(np.concatenate(denied)), standing)]
    return Pairs(*np.divmod(standing, max(1, n_terms)))


def known_aspects(known: Pairs, graph: GoGraph, *, n_proteins: int) -> NDArray[np.bool_]:
    """Tell in which aspects something was known, shape ``(n_proteins, 3)``; roots count, as with the evaluator."""
    is_known = np.zeros((n_proteins, len(ASPECTS)), dtype=np.bool_)
    is_known[known.query_row, graph.aspects[known.term_row]] = True
    return is_known


def stated_categories(stated: StatedTerms, graph: GoGraph, *, n_proteins: int) -> NDArray[np.int8]:
    """Tell the category of each protein in each aspect, shape ``(n_proteins, 3)``, as `categories_of` does."""
    return categories_of(known_aspects(known_pairs(stated, graph), graph, n_proteins=n_proteins))
