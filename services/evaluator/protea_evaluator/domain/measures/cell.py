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
    known_keys = np.empty(0, dtype=np.int64) if known is None else known.keys(graph)

    weighty = truth.where(weights[truth.terms] > 0)
    novel = weighty.where(~np.isin(weighty.keys(graph), known_keys))
    match cohort:
        case Cohort.MEASURABLE:
            members = novel
        case Cohort.ANNOTATED:
            members = truth
        case Cohort.MIXED:
            members = weighty
    averaged = truth if cohort is Cohort.ANNOTATED else novel
    counted = predictions.where(
        (weights[predictions.pairs.terms] > 0) & ~np.isin(predictions.pairs.keys(graph), known_keys)
    )
    cells = {}
    for number, aspect in enumerate(ASPECTS):
        proteins = np.unique(members.proteins[members.aspects == number])
        n_averaged = len(np.unique(averaged.proteins[averaged.aspects == number]))
        if n_averaged:
            true = novel.where(novel.aspects == number)
            scored = counted.where((counted.pairs.aspects == number) & np.isin(counted.pairs.proteins, proteins))
            cells[aspect] = _cell(proteins, true, scored, graph, weights, cohort=n_averaged)
    return cells


def _cell(
    accessions: NDArray[np.int32],
    truth: ProteinTerms,
    predictions: PredictionTable,
    graph: GoGraph,
    weights: NDArray[np.float64],
    *,
    cohort: int,
) -> Cell:
    """Build the cell of these proteins from the pairs that count in its aspect."""
    pairs = predictions.pairs
    owners = np.searchsorted(accessions, truth.proteins)
    return Cell(
        proteins=np.searchsorted(accessions, pairs.proteins).astype(np.int32),
        scores=predictions.scores,
        is_true=np.isin(pairs.keys(graph), truth.keys(graph)),
        weights=weights[pairs.terms],
        truth=np.bincount(owners, weights[truth.terms], len(accessions)).astype(np.float64),
        accessions=accessions,
        cohort=cohort,
    )
