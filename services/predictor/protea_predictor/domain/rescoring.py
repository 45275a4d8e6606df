"""Stored predictions scored anew: by another recipe from what is stored of them, by a calibration, or by both."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.distance import DistanceMetric
from protea_common.domain.scoring import ScoringRecipe, Signal
from protea_predictor.domain.calibrating import probabilities_of
from protea_predictor.domain.calibration import Calibration
from protea_predictor.domain.consistent_scores import consistent_scores
from protea_predictor.domain.scored_pairs import ScoredPairs
from protea_predictor.domain.scoring import SIGNALS_OF_DONORS, candidate_signals, signals_needed, taxonomic_proximity
from protea_predictor.domain.stored_ontology import StoredOntology

__all__ = ["Rescoring", "StoredEvidence", "StoredTerms", "first_unheld", "rescore"]


@dataclass(frozen=True, slots=True, eq=False)
class StoredEvidence:
    """What is stored of predictions that a recipe can weigh; shape ``(n,)`` each, NaN where a prediction lacks it.

    Attributes
    ----------
    distance, neighbor_vote_fraction, identity_nw, identity_sw, taxonomic_distance
        The features of these names.
    evidence
        Number of the nearest donor's evidence code in ``evidence_codes``; `NO_REFERENCE` where there is no donor.
    evidence_codes
        Texts, each once.
    """

    distance: NDArray[np.float64]
    neighbor_vote_fraction: NDArray[np.float64]
    identity_nw: NDArray[np.float64]
    identity_sw: NDArray[np.float64]
    taxonomic_distance: NDArray[np.float64]
    evidence: NDArray[np.int16]
    evidence_codes: tuple[str, ...]

    def signals(self, recipe: ScoringRecipe, *, metric: DistanceMetric) -> dict[str, NDArray[np.float64]]:
        """Give the signals as predicting has them: columns are stored as exactly as they were computed."""
        return candidate_signals(self, self.evidence_codes, recipe, metric=metric) | {
            Signal.IDENTITY_NW: self.identity_nw,
            Signal.IDENTITY_SW: self.identity_sw,
            Signal.TAXONOMIC_PROXIMITY: taxonomic_proximity(self.taxonomic_distance),
        }


@dataclass(frozen=True, slots=True, eq=False)
class StoredTerms:
    """Predictions of some proteins as they are stored.

    Attributes
    ----------
    pairs
        All of them, with their scores.
    evidence
        In the order of the pairs; ``None`` where it is not stored or not asked for.
    """

    pairs: ScoredPairs
    evidence: StoredEvidence | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Rescoring:
    """How predictions are scored anew.

    Attributes
    ----------
    recipe
        How signals become scores; ``None`` leaves the scores.
    calibration
        What makes probabilities of them; ``None`` for scores as they are.
    abstain_below
        Terms that score below it are left out.
    """

    recipe: ScoringRecipe | None
    calibration: Calibration | None
    abstain_below: float


def first_unheld(recipe: ScoringRecipe, held: Collection[str]) -> str | None:
    """Name the first signal that a recipe weighs and a set does not hold; ``None`` where it holds all.

    A set of which no prediction has a donor lacks what donors give, and that is an answer, as in `require_coverage`.
    """
    allowed = held if Signal.EMBEDDING_SIMILARITY in held else {*held, *SIGNALS_OF_DONORS}
    return next((name for name in signals_needed(recipe) if name not in allowed), None)


def rescore(
    stored: StoredTerms,
    rescoring: Rescoring,
    ontology: StoredOntology,
    *,
    categories: NDArray[np.int8],
    metric: DistanceMetric,
) -> ScoredPairs:
    """Score stored predictions anew; those worth storing remain, and no term scores below one of its descendants.

    Parameters
    ----------
    stored
        Predictions; with their evidence where there is a recipe.
    rescoring, ontology, metric
        How they are scored, their terms, and what their distances are.
    categories
        How much is known of each protein in each aspect, as `categories_of` gives it, shape ``(n_proteins, 3)``.
    """
    pairs, recipe = stored.pairs, rescoring.recipe
    if recipe is not None and stored.evidence is not None:
        scores = consistent_scores(
            stored.evidence.signals(recipe, metric=metric),
            recipe,
            query_row=pairs.query_row,
            term_row=pairs.term_row,
            graph=ontology.graph,
            categories=categories,
        )
        pairs = pairs.with_scores(scores)
    if rescoring.calibration is not None:
        pairs = probabilities_of(pairs, rescoring.calibration, ontology.graph, categories=categories)
    return pairs.worth_storing(abstain_below=rescoring.abstain_below)
