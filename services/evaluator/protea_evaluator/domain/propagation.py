"""Propagation of terms and scores to their ancestors, for pairs that the evaluator must not propagate itself."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_evaluator.domain.ontology_cut import cut_to_closure
from protea_evaluator.domain.prediction_table import PredictionTable
from protea_evaluator.domain.protein_terms import ProteinTerms, pair_keys
from protea_evaluator.domain.recipe import Propagation

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


def propagate_scores(
    predictions: PredictionTable, graph: GoGraph, propagation: Propagation = Propagation.FILL
) -> PredictionTable:
    """Give ancestors the best score among their children.

    Parameters
    ----------
    predictions
        Raw predictions; no pairs give none.
    propagation
        Whether an ancestor with a score of its own keeps it, and so may score below a term under it.

    References
    ----------
    Piovesan et al. 2024, Bioinform Adv 4:vbae043.
    """
    ladder = _Ladder.of(predictions.pairs.terms, graph)
    proteins = predictions.pairs.proteins
    cuts = np.unique(proteins)[::_PROTEINS_AT_ONCE]
    bounds = [*np.searchsorted(proteins, cuts), len(proteins)]
    blocks = [
        _propagated(predictions.slice(first, last), ladder, graph, propagation) for first, last in pairwise(bounds)
    ]
    keys = np.concatenate([np.empty(0, dtype=np.int64), *(keys for keys, _ in blocks)])
    return PredictionTable.best_of(keys, np.concatenate([np.empty(0), *(scores for _, scores in blocks)]), graph)


@dataclass(frozen=True, slots=True, eq=False)
class _Ladder:
    """The terms that scores can reach, and the steps up from each.

    Attributes
    ----------
    rows
        Rows of the graph, ascending; positions refer to it.
    steps
        Positions of a child and a parent; all steps into a term come before those out of it.
    """

    rows: NDArray[np.int32]
    steps: list[tuple[int, int]]

    @classmethod
    def of(cls, terms: NDArray[np.int32], graph: GoGraph) -> _Ladder:
        """Build it over the closure of the given terms."""
        rows = cut_to_closure(graph, terms)
        n_above = graph.closure_indptr[rows + 1] - graph.closure_indptr[rows]
        position_of = {row: position for position, row in enumerate(rows.tolist())}
        children = rows[np.argsort(-n_above)].tolist()  # a term has more ancestors than any of its parents
        steps = [
            (position_of[child], position_of[parent]) for child in children for parent in graph.parents(child).tolist()
        ]
        return cls(rows, steps)


def _propagated(
    predictions: PredictionTable, ladder: _Ladder, graph: GoGraph, propagation: Propagation
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Propagate the scores of some proteins in a dense matrix; keys of all scored pairs and their scores."""
    pairs, rows = predictions.pairs, ladder.rows
    targets, columns = np.unique(pairs.proteins, return_inverse=True)
    matrix = np.zeros((len(rows), len(targets)))  # terms by proteins: one term's scores lie side by side
    matrix[np.searchsorted(rows, pairs.terms), columns] = predictions.scores
    _carry_upwards(matrix, ladder, propagation)
    scored = np.flatnonzero(matrix)
    scored_rows, scored_columns = np.divmod(scored, len(targets))
    return pair_keys(targets[scored_columns], rows[scored_rows], graph), matrix.ravel()[scored]


def _carry_upwards(matrix: NDArray[np.float64], ladder: _Ladder, propagation: Propagation) -> None:
    """Raise terms to those below, in place."""
    match propagation:
        case Propagation.FILL:
            _climb(matrix, ladder, where=matrix == 0)
        case Propagation.FILL_CLOSURE:
            own = matrix.copy()
            _climb(matrix, ladder)
            np.copyto(matrix, own, where=own > 0)
        case Propagation.MAX:
            _climb(matrix, ladder)


def _climb(matrix: NDArray[np.float64], ladder: _Ladder, *, where: NDArray[np.bool_] | None = None) -> None:
    """Raise each parent to its child, step by step."""
    for child, parent in ladder.steps:
        if where is None:
            np.maximum(matrix[parent], matrix[child], out=matrix[parent])
        else:
            np.maximum(matrix[parent], matrix[child], out=matrix[parent], where=where[parent])
