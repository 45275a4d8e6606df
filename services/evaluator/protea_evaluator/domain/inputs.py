"""What the evaluator is given for one category: ontology, ground truth, predictions and how to measure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_evaluator.domain.knowledge import Category, Delta
from protea_evaluator.domain.ontology_cut import cut_to_closure, write_flat_obo, write_obo
from protea_evaluator.domain.prediction_table import PredictionTable
from protea_evaluator.domain.propagation import propagate_scores, propagate_terms
from protea_evaluator.domain.protein_terms import ProteinTerms
from protea_evaluator.domain.recipe import EvaluatorRecipe

__all__ = ["EvaluationInputs", "prepare_inputs"]

_DEFAULT_RECIPE = EvaluatorRecipe()


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationInputs:
    """One run of the evaluator.

    Attributes
    ----------
    ontology, truth, predictions
        Lines with their line ends: OBO, ``accession TAB term``, ``accession TAB term TAB score``. Each is read once.
    cohorts
        Proteins in the ground truth by namespace.
    recipe
        How to measure.
    """

    ontology: Iterable[str]
    truth: Iterable[str]
    predictions: Iterable[str]
    cohorts: Mapping[str, int]
    recipe: EvaluatorRecipe


def prepare_inputs(
    delta: Delta,
    category: Category,
    *,
    predictions: PredictionTable,
    graph: GoGraph,
    recipe: EvaluatorRecipe = _DEFAULT_RECIPE,
) -> EvaluationInputs:
    """Select and shape what one category is measured on.

    Predictions are kept for the proteins and aspects of the category; others have no bearing on its measures. Roots
    are taken out of the ground truth: they are not measured, and a protein with nothing else would count as missed.

    For partial knowledge the known terms of each protein, with their ancestors, are taken out of both its ground
    truth and its predictions after propagation. A protein without any new term left leaves the cohort, so that
    averages are taken over proteins with something to find. (A public evaluator whose denominators disagreed on
    this gave coverages above 1.) cafaeval 1.3.0 excludes no known terms, so the pairs are propagated and excluded here,
    and it measures them on a flat ontology.

    Parameters
    ----------
    predictions
        Of the proteins of ``delta``.
    graph
        The ontology that both were read in.
    recipe
        How it will be measured.
    """
    match category:
        case Category.NO_KNOWLEDGE | Category.LIMITED_KNOWLEDGE:
            truth = _without_roots(delta.truth[category], graph)
            scored = _of_targets(predictions, truth)
            write = write_obo
        case Category.PARTIAL_KNOWLEDGE:
            known = propagate_terms(delta.known, graph)
            gained = propagate_terms(delta.truth[category], graph)
            truth = _without_roots(gained.where(_is_outside(gained, known, graph)), graph)
            filled = propagate_scores(_of_targets(predictions, truth), graph, recipe.propagation)
            scored = filled.where(_is_outside(filled.pairs, known, graph))
            write = write_flat_obo
    return EvaluationInputs(
        ontology=write(graph, cut_to_closure(graph, np.concatenate([truth.terms, scored.pairs.terms]))),
        truth=_truth_lines(truth, delta, graph),
        predictions=_prediction_lines(scored, delta, graph),
        cohorts={aspect.value: count for aspect, count in truth.cohorts().items()},
        recipe=recipe,
    )


def _without_roots(pairs: ProteinTerms, graph: GoGraph) -> ProteinTerms:
    closure_sizes = np.diff(graph.closure_indptr)[pairs.terms]
    return pairs.where(closure_sizes > 1)


def _of_targets(predictions: PredictionTable, truth: ProteinTerms) -> PredictionTable:
    """Keep predictions for a protein and an aspect that the ground truth holds."""
    return predictions.where(np.isin(predictions.pairs.protein_aspects(), truth.protein_aspects()))


def _is_outside(pairs: ProteinTerms, others: ProteinTerms, graph: GoGraph) -> NDArray[np.bool_]:
    return ~np.isin(pairs.keys(graph), others.keys(graph))


def _truth_lines(truth: ProteinTerms, delta: Delta, graph: GoGraph) -> Iterator[str]:
    for protein, term in zip(truth.proteins, truth.terms, strict=True):
        yield f"{delta.accessions[protein]}\t{graph.go_ids[term]}\n"


def _prediction_lines(predictions: PredictionTable, delta: Delta, graph: GoGraph) -> Iterator[str]:
    pairs = predictions.pairs
    for protein, term, score in zip(pairs.proteins, pairs.terms, predictions.scores, strict=True):
        yield f"{delta.accessions[protein]}\t{graph.go_ids[term]}\t{score:.4f}\n"
