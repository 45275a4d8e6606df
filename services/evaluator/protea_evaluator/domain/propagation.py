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

_BYTES_A_TERM = 2048
"""Size of a row of the dense matrix: 1,024 proteins while there are at most 65,535 distinct scores.

Doubled, the matrix takes twice its 25 MB (for 12,000 terms); halved, the steps of propagation are walked twice.
"""

_Ranks = NDArray[np.unsignedinteger]
"""Place of each score among the distinct ones, from 1; 0 where there is none. They compare as scores do."""


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
    levels, positions = np.unique(predictions.scores, return_inverse=True)
    ranks = (positions + 1).astype(np.min_scalar_type(len(levels)))
    proteins = predictions.pairs.proteins
    cuts = np.unique(proteins)[:: _BYTES_A_TERM // ranks.itemsize]
    bounds = [*np.searchsorted(proteins, cuts), len(proteins)]
    blocks = [
        _propagated(predictions.pairs.slice(first, last), ranks[first:last], ladder, graph, propagation)
        for first, last in pairwise(bounds)
    ]
    pairs = ProteinTerms.joined([pairs for pairs, _ in blocks])
    return PredictionTable(pairs, levels[np.concatenate([ranks[:0], *(ranks for _, ranks in blocks)]) - 1])


@dataclass(frozen=True, slots=True, eq=False)
class _Ladder:
    """The terms that scores can reach, and the steps up from each.

    Attributes
    ----------
    rows
        Rows of the graph by aspect, ascending in each; positions refer to it.
    steps
        Positions of a child and a parent; all steps into a term come before those out of it.
    """

    rows: NDArray[np.int32]
    steps: list[tuple[int, int]]

    @classmethod
    def of(cls, terms: NDArray[np.int32], graph: GoGraph) -> _Ladder:
        """Build it over the closure of the given terms."""
        rows = cut_to_closure(graph, terms)
        rows = rows[np.argsort(graph.aspects[rows], kind="stable")]
        n_above = graph.closure_indptr[rows + 1] - graph.closure_indptr[rows]
        position_of = {row: position for position, row in enumerate(rows.tolist())}
        children = rows[np.argsort(-n_above)].tolist()  # a term has more ancestors than any of its parents
        steps = [
            (position_of[child], position_of[parent]) for child in children for parent in graph.parents(child).tolist()
        ]
        return cls(rows, steps)

    def positions_of(self, terms: NDArray[np.int32]) -> NDArray[np.int64]:
        """Find terms that are among the rows."""
        positions = np.empty(int(self.rows.max(initial=-1)) + 1, dtype=np.int64)
        positions[self.rows] = np.arange(len(self.rows))
        return positions[terms]


def _propagated(
    pairs: ProteinTerms, ranks: _Ranks, ladder: _Ladder, graph: GoGraph, propagation: Propagation
) -> tuple[ProteinTerms, _Ranks]:
    """Propagate the ranks of some proteins' scores in a dense matrix; all pairs that have one then, and theirs."""
    targets, columns = np.unique(pairs.proteins, return_inverse=True)
    matrix = np.zeros((len(ladder.rows), len(targets)), dtype=ranks.dtype)  # a term's ranks lie side by side
    matrix[ladder.positions_of(pairs.terms), columns] = ranks
    _carry_upwards(matrix, ladder, propagation)
    scored = np.flatnonzero(matrix != 0)  # by term, then protein
    positions, columns = np.divmod(scored, len(targets))
    by_protein = np.argsort(columns.astype(np.uint16), kind="stable")  # 16 bits are sorted by radix, in one pass
    terms = ladder.rows[positions[by_protein]]
    propagated = ProteinTerms(targets[columns[by_protein]], graph.aspects[terms], terms)
    return propagated, matrix.ravel()[scored[by_protein]]


def _carry_upwards(matrix: _Ranks, ladder: _Ladder, propagation: Propagation) -> None:
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


def _climb(matrix: _Ranks, ladder: _Ladder, *, where: NDArray[np.bool_] | None = None) -> None:
    """Raise each parent to its child, step by step."""
    terms = list(matrix)  # views: to index the matrix at each step would take as long as the step
    if where is None:
        for child, parent in ladder.steps:
            np.maximum(terms[parent], terms[child], out=terms[parent])
    else:
        for child, parent in ladder.steps:
            np.maximum(terms[parent], terms[child], out=terms[parent], where=where[parent])
