"""A prediction with its scores as probabilities, and without what is too unlikely to be said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_predictor.domain.calibration import Calibration
from protea_predictor.domain.hierarchy import raise_parents
from protea_predictor.domain.prediction import Prediction
from protea_predictor.domain.reranking.categories import cells_of
from protea_predictor.domain.scored_pairs import ScoredPairs
from protea_predictor.domain.stored_ontology import StoredOntology

__all__ = ["calibrated", "probabilities_of", "without_unlikely"]


def calibrated(
    prediction: Prediction, calibration: Calibration, ontology: StoredOntology, *, categories: NDArray[np.int8]
) -> Prediction:
    """Map scores to probabilities, by how much is known of each query; they agree with the ontology again.

    ``categories`` are those of the queries in each aspect, positions in `CATEGORIES`, shape ``(n_queries, 3)``.

    A term whose probability is 0 is not kept.
    """
    candidates = prediction.candidates
    pairs = ScoredPairs(candidates.query_row, candidates.term_row, prediction.scores)
    scores = probabilities_of(pairs, calibration, ontology.graph, categories=categories).scores
    kept = np.flatnonzero((scores > 0) & ~ontology.is_root[candidates.term_row])
    return replace(prediction, scores=scores, kept=kept)


def probabilities_of(
    pairs: ScoredPairs, calibration: Calibration, graph: GoGraph, *, categories: NDArray[np.int8]
) -> ScoredPairs:
    """Map the scores of pairs to probabilities, as `calibrated` does.

    A curve never falls, but between its points it is rounded, so that a term may come below a descendant by the last
    bit; it is raised. A score of 0, which no curve was fitted to since it is never stored, stays 0.
    """
    aspects = graph.aspects[pairs.term_row]
    mapped = calibration(pairs.scores, cells_of(categories[pairs.query_row, aspects], aspects))
    mapped[pairs.scores == 0] = 0
    return pairs.with_scores(raise_parents(pairs.query_row, pairs.term_row, mapped, graph))


def without_unlikely(prediction: Prediction, *, abstain_below: float) -> Prediction:
    """Keep only what scores at least ``abstain_below``."""
    told = prediction.scores[prediction.kept] >= abstain_below
    return replace(prediction, kept=prediction.kept[told])
