"""A prediction with its scores as probabilities, and without what is too unlikely to be said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from protea_predictor.domain.calibration import Calibration
from protea_predictor.domain.hierarchy import raise_parents
from protea_predictor.domain.prediction import Prediction
from protea_predictor.domain.stored_ontology import StoredOntology

__all__ = ["calibrated", "without_unlikely"]


def calibrated(prediction: Prediction, calibration: Calibration, ontology: StoredOntology) -> Prediction:
    """Map scores to probabilities; they agree with the ontology again.

    A curve never falls, but between its points it is rounded, so that a term may come below a descendant by the last
    bit; it is raised. A term whose probability is 0 is not kept.
    """
    candidates, graph = prediction.candidates, ontology.graph
    mapped = calibration(prediction.scores, graph.aspects[candidates.term_row])
    scores = raise_parents(candidates.query_row, candidates.term_row, mapped, graph)
    kept = np.flatnonzero((scores > 0) & ~ontology.is_root[candidates.term_row])
    return replace(prediction, scores=scores, kept=kept)


def without_unlikely(prediction: Prediction, *, abstain_below: float) -> Prediction:
    """Keep only what scores at least ``abstain_below``."""
    told = prediction.scores[prediction.kept] >= abstain_below
    return replace(prediction, kept=prediction.kept[told])
