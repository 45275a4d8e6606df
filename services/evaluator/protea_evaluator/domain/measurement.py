"""One category measured by our own engine: propagation, cells, curves and intervals in a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_evaluator.domain.knowledge import Category, Delta
from protea_evaluator.domain.measures.cell import Cell, split_into_cells
from protea_evaluator.domain.measures.curve import Curve, draw_curve
from protea_evaluator.domain.measures.summary import CellSummary, summarise
from protea_evaluator.domain.measures.sums import ProteinCounts, count_by_protein, grid, sum_at_every_score, sum_counts
from protea_evaluator.domain.prediction_table import PredictionTable
from protea_evaluator.domain.propagation import propagate_scores, propagate_terms
from protea_evaluator.domain.recipe import EvaluatorRecipe, Thresholds
from protea_evaluator.domain.reliability import predicted_below, reliability
from protea_evaluator.domain.resampling.comparison import fmax_interval
from protea_evaluator.domain.resampling.fmax import ProteinTable
from protea_evaluator.domain.resampling.intervals import Interval
from protea_evaluator.domain.results import NamespaceResult

__all__ = ["CellCounts", "MeasuredCategory", "Measurement", "Weighting", "measure_category", "measure_in_detail"]


class Weighting(StrEnum):
    """What a term counts."""

    UNWEIGHTED = "unweighted"
    WEIGHTED = "weighted"
    """Its information accretion."""


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """How categories are measured, and what they have in common.

    Attributes
    ----------
    graph
        The ontology that truth and predictions were read in.
    accretion
        Information accretion of each term in bits, shape ``(n_terms,)``; ``None`` for no weighted measures.
    recipe
        How to measure.
    of_interest
        Which terms count, shape ``(n_terms,)``; ``None`` for all. The others count neither as found nor as missed, but
        scores pass through them to the terms above.
    """

    graph: GoGraph
    accretion: NDArray[np.float64] | None
    recipe: EvaluatorRecipe
    of_interest: NDArray[np.bool_] | None = None

    @property
    def counts(self) -> NDArray[np.bool_]:
        """Which terms count at all, shape ``(n_terms,)``."""
        counts = np.ones(len(self.graph.go_ids), dtype=np.bool_)
        if self.recipe.drops_orphans:
            counts &= np.diff(self.graph.closure_indptr) > 1
        if self.of_interest is not None:
            counts &= self.of_interest
        return counts


@dataclass(frozen=True, slots=True, eq=False)
class CellCounts:
    """What was counted for each protein of one cell, on the grid: curves, comparisons and strata are made of it.

    Attributes
    ----------
    weighting
        Whether terms counted alike or by their information accretion.
    proteins
        Position of each protein in the accessions of the `Delta`, shape ``(n_proteins,)``.
    """

    category: Category
    namespace: str
    weighting: Weighting
    proteins: NDArray[np.int32]
    counts: ProteinCounts


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredCategory:
    """Measures by namespace, see `measure_category`, and what they were counted from."""

    results: Mapping[str, NamespaceResult]
    cells: Sequence[CellCounts] = ()


def measure_category(
    delta: Delta, category: Category, predictions: PredictionTable, measurement: Measurement
) -> dict[str, NamespaceResult]:
    """Measure what was predicted of the proteins of one category.

    Parameters
    ----------
    predictions
        Of the proteins of ``delta``, not propagated.

    Returns
    -------
    results
        By namespace. One without ground truth, or without a prediction that reaches a threshold, is absent.
    """
    return dict(measure_in_detail(delta, category, predictions, measurement).results)


def measure_in_detail(
    delta: Delta, category: Category, predictions: PredictionTable, measurement: Measurement
) -> MeasuredCategory:
    """Measure as `measure_category` does, and give what was counted for each protein too."""
    recipe = measurement.recipe
    alike, weighty = _cut(delta, category, predictions, measurement)
    results, counted = {}, []
    for namespace, cell in alike.items():
        summary = _summary(cell, recipe)
        if summary is None:
            continue
        by_weighting = {Weighting.UNWEIGHTED: cell}
        if namespace in weighty:
            by_weighting[Weighting.WEIGHTED] = weighty[namespace]
        thresholds = grid(recipe.threshold_step)
        counts = {weighting: count_by_protein(each, thresholds) for weighting, each in by_weighting.items()}
        counted += [
            CellCounts(category, namespace, weighting, by_weighting[weighting].accessions, counted_cell)
            for weighting, counted_cell in counts.items()
        ]
        results[namespace] = NamespaceResult.of(
            summary,
            weighted=_summary(weighty[namespace], recipe) if namespace in weighty else None,
            interval=_interval(counts[Weighting.UNWEIGHTED], recipe),
            weighted_interval=_interval(counts.get(Weighting.WEIGHTED), recipe),
            reliability=reliability(counts[Weighting.UNWEIGHTED], below=predicted_below(cell, thresholds[0])),
        )
    return MeasuredCategory(results, counted)


def _cut(
    delta: Delta, category: Category, predictions: PredictionTable, measurement: Measurement
) -> tuple[dict[str, Cell], dict[str, Cell]]:
    """Propagate, and cut into cells by namespace: with terms alike, and weighted where there are weights."""
    graph, recipe = measurement.graph, measurement.recipe
    truth = propagate_terms(delta.truth[category], graph)
    concerned = predictions.where(np.isin(predictions.pairs.protein_aspects(), truth.protein_aspects()))
    scored = propagate_scores(concerned, graph, recipe.propagation)
    known = propagate_terms(delta.known, graph) if category is Category.PARTIAL_KNOWLEDGE else None

    def cells(weights: NDArray[np.float64]) -> dict[str, Cell]:
        counted = np.where(measurement.counts, weights, 0.0)
        cut = split_into_cells(truth, scored, graph, weights=counted, known=known, cohort=recipe.cohort)
        return {aspect.value: cell for aspect, cell in cut.items()}

    alike = cells(np.ones(len(graph.go_ids)))
    return alike, {} if measurement.accretion is None else cells(measurement.accretion)


def _summary(cell: Cell, recipe: EvaluatorRecipe) -> CellSummary | None:
    return summarise(_curve(cell, recipe), cohort=cell.cohort)


def _curve(cell: Cell, recipe: EvaluatorRecipe) -> Curve:
    match recipe.thresholds:
        case Thresholds.GRID:
            sums = sum_counts(count_by_protein(cell, grid(recipe.threshold_step)))
        case Thresholds.EXACT:
            sums = sum_at_every_score(cell)
    return draw_curve(sums, recipe.normalisation)


def _interval(counts: ProteinCounts | None, recipe: EvaluatorRecipe) -> Interval | None:
    """Interval of Fmax on the grid; the exact mode has one threshold for each score, too many to try anew each time.

    There is none where averages are not taken as CAFA does, since the resamples' are.
    """
    if counts is None or recipe.n_resamples == 0 or counts.cohort < _LEAST_PROTEINS or not recipe.is_resampled_alike:
        return None
    return fmax_interval(ProteinTable.of(counts), n_samples=recipe.n_resamples)


_LEAST_PROTEINS = 2
"""Of one protein nothing can be left out, so there is no interval."""
