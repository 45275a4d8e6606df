"""How well a re-ranker does on the selection window: Fmax of each aspect, beside that of the order it started from."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS
from protea_predictor.domain.datasets.rows import TruthRows
from protea_predictor.domain.reranking.categories import Cell
from protea_predictor.domain.reranking.rows import LearningRows
from protea_predictor.domain.reranking.selection import best_f

__all__ = ["measure_selection"]


def measure_selection(
    scores: NDArray[np.float64],
    rows: LearningRows,
    *,
    accessions: NDArray[np.object_],
    aspects: NDArray[np.int8],
    truth: TruthRows,
    cell: Cell,
) -> dict[str, Any]:
    """Measure scores in each aspect of a cell.

    Parameters
    ----------
    scores
        Of the rows.
    rows, accessions, aspects
        All rows of the cell, shape ``(n,)`` each; false ones may stand for several, which are taken to score alike.
    truth
        What there is to find in the window.
    cell
        Which of it counts.

    Returns
    -------
    measures
        By the name of the cell with its aspect: ``fmax``, ``weighted_fmax``, precision, recall, tau, proteins and rows.
    """
    concerned = cell.holds(truth.categories, truth.aspects)
    measures = {}
    for number, aspect in enumerate(ASPECTS):
        wanted = np.flatnonzero(concerned & (truth.aspects == number))
        if len(wanted):
            shown = np.flatnonzero(aspects == number)
            position = {truth.accessions[row]: place for place, row in enumerate(wanted)}
            proteins = np.array([position[accession] for accession in accessions[shown]], dtype=np.int64)
            name = Cell(cell.category, aspect).name
            measures[name] = _measured(scores[shown], rows.take(shown), proteins, truth, wanted)
    return measures


def _measured(
    scores: NDArray[np.float64],
    rows: LearningRows,
    proteins: NDArray[np.int64],
    truth: TruthRows,
    wanted: NDArray[np.int64],
) -> dict[str, Any]:
    shown = rows.multiplicities.astype(np.float64)  # 1 for what is true, so that what is found counts once
    plain = best_f(scores, rows.labels, proteins, truth=truth.terms[wanted], weights=shown)
    worth = truth.information[wanted]
    place = np.cumsum(worth > 0) - 1  # proteins whose terms all say nothing are no part of the weighted cohort
    counted = np.flatnonzero(worth[proteins] > 0)
    weighted = best_f(
        scores[counted],
        rows.labels[counted],
        place[proteins[counted]],
        truth=worth[worth > 0],
        weights=rows.weights[counted] * shown[counted],
    )
    return {**asdict(plain), "weighted_fmax": weighted.fmax, "weighted_tau": weighted.tau, "rows": len(scores)}
