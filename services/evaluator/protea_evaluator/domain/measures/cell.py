"""What is measured at once: the proteins of one category and aspect, their true terms and the scores of all terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS, Aspect, GoGraph
from protea_evaluator.domain.prediction_table import PredictionTable
from protea_evaluator.domain.protein_terms import ProteinTerms
from protea_evaluator.domain.recipe import Cohort

__all__ = ["Cell", "split_into_cells"]


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """Propagated predictions for the proteins of one aspect, and what is true of them.

    Attributes
    ----------
    proteins
        Position of each predicted pair's protein in the cohort, shape ``(n_pairs,)``.
    scores
        Score of each pair, in (0, 1], shape ``(n_pairs,)``.
    is_true
        Whether the pair is in the ground truth, shape ``(n_pairs,)``.
    weights
        Weight of each pair's term, at least 0, shape ``(n_pairs,)``.
    truth
        Summed weight of each protein's true terms, shape ``(n_proteins,)``.
    accessions
        Position of each protein in the owner's accessions, ascending, shape ``(n_proteins,)``.
    cohort
        Number of proteins that averages are taken over; ``n_proteins`` but for `Cohort.MIXED`.
    """

    proteins: NDArray[np.int32]
    scores: NDArray[np.float64]
    is_true: NDArray[np.bool_]
    weights: NDArray[np.float64]
    truth: NDArray[np.float64]
    accessions: NDArray[np.int32]
    cohort: int


def split_into_cells(
    truth: ProteinTerms,
    predictions: PredictionTable,
    graph: GoGraph,
    *,
    weights: NDArray[np.float64],
    known: ProteinTerms | None = None,
    cohort: Cohort = Cohort.MEASURABLE,
) -> Mapping[Aspect, Cell]:
    """Cut truth and predictions into one cell for each aspect that the ground truth has.

    Parameters
    ----------
    truth, predictions
        Propagated; proteins are positions in the same accessions.
    weights
        Weight of each term of ``graph``, at least 0, shape ``(n_terms,)``; a term of weight 0 does not count.
    known
        Propagated pairs that do not count, neither as found nor as missed.
    cohort
        What becomes of a protein with no true term that counts.

    Returns
    -------
    cells
        By aspect; an aspect in which no protein is left is absent.
    """
    weighty = truth.where(weights[truth.terms] > 0)
    novel = weighty if known is None else weighty.where(~_are_among(weighty, known, graph))
    match cohort:
        case Cohort.MEASURABLE:
            members = novel
        case Cohort.ANNOTATED:
            members = truth
        case Cohort.MIXED:
            members = weighty
    averaged = truth if cohort is Cohort.ANNOTATED else novel
    counted = predictions.where(weights[predictions.pairs.terms] > 0)
    if known is not None:
        counted = counted.where(~_are_among(counted.pairs, known, graph))
    cells = {}
    for number, aspect in enumerate(ASPECTS):
        proteins = np.unique(members.proteins[members.aspects == number])
        n_averaged = len(np.unique(averaged.proteins[averaged.aspects == number]))
        if n_averaged:
            true, scored = novel.where(novel.aspects == number), counted.where(counted.pairs.aspects == number)
            cells[aspect] = _cell(proteins, true, scored, graph, weights, cohort=n_averaged)
    return cells


def _are_among(pairs: ProteinTerms, others: ProteinTerms, graph: GoGraph) -> NDArray[np.bool_]:
    """Whether each pair is one of the others, shape ``(n_pairs,)``."""
    found: NDArray[np.bool_] = np.isin(pairs.keys(graph), others.keys(graph))
    return found


def _cell(
    accessions: NDArray[np.int32],
    truth: ProteinTerms,
    predictions: PredictionTable,
    graph: GoGraph,
    weights: NDArray[np.float64],
    *,
    cohort: int,
) -> Cell:
    """Build the cell of these proteins from the pairs of its aspect that count, those of other proteins among them."""
    positions = np.full(max(predictions.pairs.proteins.max(initial=-1), accessions.max(initial=-1)) + 1, _STRANGER)
    positions[accessions] = np.arange(len(accessions))
    owners = positions[predictions.pairs.proteins]
    predictions, owners = predictions.where(owners != _STRANGER), owners[owners != _STRANGER]
    return Cell(
        proteins=owners,
        scores=predictions.scores,
        is_true=_marked(predictions.pairs.keys(graph), truth.keys(graph)),
        weights=weights[predictions.pairs.terms],
        truth=np.bincount(positions[truth.proteins], weights[truth.terms], len(accessions)).astype(np.float64),
        accessions=accessions,
        cohort=cohort,
    )


_STRANGER = np.int32(-1)
"""Position of a protein that is not in the cell."""


def _marked(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the wanted keys; both ascend, and what is wanted is the shorter list by far."""
    marks = np.zeros(len(keys), dtype=np.bool_)
    positions = np.searchsorted(keys, wanted)
    inside = positions < len(keys)
    marks[positions[inside][keys[positions[inside]] == wanted[inside]]] = True
    return marks
