"""Propagation of terms and scores to their ancestors, for pairs that the evaluator must not propagate itself."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_evaluator.domain.ontology_cut import cut_to_closure
from protea_evaluator.domain.prediction_table import PredictionTable
from protea_evaluator.domain.protein_terms import ProteinTerms, pair_keys

__all__ = ["propagate_scores", "propagate_terms"]

_PROTEINS_AT_ONCE = 512
"""Columns of the dense score matrix: twice as many double its memory, 50 MB for 12,000 terms, and save little time."""


def propagate_terms(pairs: ProteinTerms, graph: GoGraph) -> ProteinTerms:
    """Add the ancestors of each term inside its aspect; no pairs give none."""
    starts, ends = graph.closure_indptr[pairs.terms], graph.closure_indptr[pairs.terms + 1]
    lengths = ends - starts
    offsets = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    ancestors = graph.closure_indices[np.repeat(starts, lengths) + offsets]
    return ProteinTerms.from_keys(pair_keys(np.repeat(pairs.proteins, lengths), ancestors, graph), graph)


def propagate_scores(predictions: PredictionTable, graph: GoGraph) -> PredictionTable:
    """Give each unpredicted ancestor the best score among its children; a predicted term keeps its own score.

    This is the evaluator's ``-prop fill``. A predicted ancestor may so score below a term under it.

    Parameters
    ----------
    predictions
        Raw predictions; no pairs give none.

    References
    ----------
    Piovesan et al. 2024, Bioinform Adv 4:vbae043.
    """
    proteins = predictions.pairs.proteins
    cuts = np.unique(proteins)[::_PROTEINS_AT_ONCE]
    bounds = [*np.searchsorted(proteins, cuts), len(proteins)]
    blocks = [
        _filled(proteins[first:last], predictions.pairs.terms[first:last], predictions.scores[first:last], graph)
        for first, last in pairwise(bounds)
    ]
    keys = np.concatenate([np.empty(0, dtype=np.int64), *(keys for keys, _ in blocks)])
    return PredictionTable.best_of(keys, np.concatenate([np.empty(0), *(scores for _, scores in blocks)]), graph)


def _filled(
    proteins: NDArray[np.int32], terms: NDArray[np.int32], scores: NDArray[np.float64], graph: GoGraph
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Propagate the scores of some proteins in a dense matrix; keys of all scored pairs and their scores."""
    rows = cut_to_closure(graph, terms)
    targets, columns = np.unique(proteins, return_inverse=True)
    matrix = np.zeros((len(rows), len(targets)))  # terms by proteins: one term's scores lie side by side
    matrix[np.searchsorted(rows, terms), columns] = scores
    _fill_upwards(matrix, rows, graph)
    scored_rows, scored_columns = np.nonzero(matrix)
    return pair_keys(targets[scored_columns], rows[scored_rows], graph), matrix[scored_rows, scored_columns]


def _fill_upwards(matrix: NDArray[np.float64], rows: NDArray[np.int32], graph: GoGraph) -> None:
    """Fill the zeros of each term from its children, in place, children first."""
    is_unpredicted = matrix == 0
    n_above = graph.closure_indptr[rows + 1] - graph.closure_indptr[rows]
    for child in np.argsort(-n_above):  # a term has more ancestors than any of its parents
        for parent in np.searchsorted(rows, graph.parents(int(rows[child]))):
            np.maximum(matrix[parent], matrix[child], out=matrix[parent], where=is_unpredicted[parent])
