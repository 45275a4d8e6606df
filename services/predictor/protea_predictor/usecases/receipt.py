"""The receipt of a prediction set: all that is needed to say how it was made, and to make it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from protea_common.domain.scoring import Missing, ScoringRecipe
from protea_common.operations import PredictGoTerms, SearchBackend
from protea_predictor.adapters.aligner import E_VALUE_MAX
from protea_predictor.adapters.storage import QueryCoverage, StoredPredictions, StoredScoring
from protea_predictor.domain.features.alignment_voters import ALIGNMENT_DONORS
from protea_predictor.domain.features.compute import ALWAYS_COMPUTED
from protea_predictor.domain.features.definitions import FEATURES
from protea_predictor.domain.features.fingerprint import definition_sha
from protea_predictor.domain.reference_bank import ReferenceVersion, bank_digest
from protea_predictor.usecases.calibrations import LoadedCalibration
from protea_predictor.usecases.projections import LoadedProjection
from protea_predictor.usecases.references import selection_of
from protea_predictor.usecases.reranking import RerankingPlan

__all__ = ["Channels", "Plan", "method_of", "rescored_receipt", "write_receipt"]

_SKIPPED_NAMED = 20
"""Queries without a vector that the receipt names; more would make every reader of the set carry them."""


_ORIGIN = "rescored_from"
"""What a rescored set's receipt says of the set that it was made of."""

_NOT_OF_THE_METHOD = frozenset(
    {
        "job_id",
        "search_backend",
        "feature_families",
        "feature_versions",
        "references",
        "queries",
        "skipped_queries",
        "calibration",
        "abstain_below",
        "stored_terms",
        "store_evidence",
        _ORIGIN,
    }
)
"""What may differ between sets whose scores come about alike; recipes and boosters name the features they read."""


@dataclass(frozen=True, slots=True)
class Channels:
    """Ways in which donors are found, and what is known of candidates from them.

    Attributes
    ----------
    is_aligned
        Whether references are found by alignment beside the neighbours by embedding.
    families
        Families of features beside those of every prediction.
    """

    is_aligned: bool
    families: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the coordinator found out about a job.

    Attributes
    ----------
    references
        What queries are compared with.
    pool_sizes
        References annotated in each aspect.
    queries
        Who is asked about, and who cannot be.
    channels
        How donors are found.
    scoring
        How votes become scores.
    reranking
        Which boosters score candidates anew.
    calibration
        What makes probabilities of scores; ``None`` where scores stay.
    projection
        Principal components of the recipe's vectors; ``None`` where nobody asks for them.
    """

    references: ReferenceVersion
    pool_sizes: Mapping[str, int]
    queries: QueryCoverage
    channels: Channels
    scoring: StoredScoring
    reranking: RerankingPlan
    calibration: LoadedCalibration | None = None
    projection: LoadedProjection | None = None


def write_receipt(request: PredictGoTerms, plan: Plan, *, job_id: UUID) -> dict[str, Any]:
    """Say how a prediction set is made, as JSON."""
    return {
        "job_id": str(job_id),
        "metric": request.metric.value,
        **_search(request),
        "limit_per_entry": request.limit_per_entry,
        "distance_threshold": request.distance_threshold,
        "aspect_separated_knn": request.aspect_separated_knn,
        "expand_votes_to_ancestors": request.expand_votes_to_ancestors,
        "donor_policy": request.donor_policy.model_dump(mode="json"),
        "negated_annotations": "never transferred",
        **({"known_term_candidates": True} if request.known_term_candidates else {}),
        "own_accession": "excluded",
        "same_sequence": "kept and flagged",
        "stored_terms": "score above 0 and not below abstain_below, without the roots of the aspects",
        "calibration": None if plan.calibration is None else plan.calibration.receipt,
        "abstain_below": request.abstain_below,
        "store_evidence": request.store_evidence,
        "alignment": _describe_alignment(request) if plan.channels.is_aligned else None,
        "feature_families": [*ALWAYS_COMPUTED, *plan.channels.families],
        "feature_versions": definition_sha(tuple(FEATURES)),
        **_interpro(request),
        **({} if plan.projection is None else {"projection": plan.projection.receipt}),
        "references": {
            "count": plan.references.references,
            "digest": bank_digest(selection_of(request), plan.references),
            "pool_sizes": dict(plan.pool_sizes),
        },
        "scoring": _describe_scoring(plan.scoring),
        "reranking": plan.reranking.receipt,
        "queries": len(plan.queries.entry_ids),
        "skipped_queries": {
            "count": len(plan.queries.skipped),
            "first": list(plan.queries.skipped[:_SKIPPED_NAMED]),
        },
    }


def rescored_receipt(
    source: StoredPredictions,
    scoring: StoredScoring | None,
    calibration: LoadedCalibration | None,
    *,
    abstain_below: float,
    job_id: UUID,
) -> dict[str, Any]:
    """Say how a set is made of a stored one: as that was, but for its scores.

    Parameters
    ----------
    source
        The stored set.
    scoring, calibration
        How scores come about now; ``None`` leaves them.
    """
    receipt = {name: value for name, value in source.receipt.items() if name != _ORIGIN}
    return {
        **receipt,
        "job_id": str(job_id),
        "calibration": None if calibration is None else calibration.receipt,
        "abstain_below": abstain_below,
        "store_evidence": False,
        "scoring": receipt["scoring"] if scoring is None else _describe_scoring(scoring),
        _ORIGIN: _origin(source),
    }


def _origin(source: StoredPredictions) -> dict[str, Any]:
    """Name a stored set, the recipe that decided what is in it, and in turn what it was made of."""
    earlier = source.receipt.get(_ORIGIN)
    told = {"prediction_set_id": str(source.id), "scoring": source.receipt["scoring"]["name"]}
    return told if earlier is None else told | {_ORIGIN: earlier}


def method_of(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """Give the part of a receipt that scores follow from; a calibration is for scores of one method."""
    return {name: value for name, value in receipt.items() if name not in _NOT_OF_THE_METHOD}


def _describe_scoring(scoring: StoredScoring) -> dict[str, Any]:
    recipe = scoring.recipe
    return {
        "name": scoring.name,
        "formula": recipe.formula.value,
        "weights": recipe.weighted_signals,
        **_by_cell(recipe),
        "evidence_weights": None if recipe.evidence_weights is None else dict(recipe.evidence_weights),
    }


def _by_cell(recipe: ScoringRecipe) -> dict[str, Any]:
    """Say what a recipe does beyond one mean of what is there; receipts of earlier sets say nothing of it either."""
    told: dict[str, Any] = {"cell_weights": recipe.weighted_by_cell} if recipe.cell_weights else {}
    return told if recipe.missing is Missing.SKIP else told | {"missing": recipe.missing.value}


def _interpro(request: PredictGoTerms) -> dict[str, Any]:
    if request.interpro_mapping is None:
        return {}
    return {"interpro": {"mapping": request.interpro_mapping, "release": request.interpro_release}}


def _describe_alignment(request: PredictGoTerms) -> dict[str, Any]:
    return {
        "program": "MMseqs2",
        "sensitivity": request.alignment_sensitivity,
        "e_value_max": E_VALUE_MAX,
        "hits_per_query": request.alignment_hits,
        "donors_per_query": min(ALIGNMENT_DONORS, request.alignment_hits),
    }


def _search(request: PredictGoTerms) -> dict[str, Any]:
    """Say what found neighbours; what decides only where it is used is told only there."""
    told: dict[str, Any] = {"search_backend": request.search_backend.value}
    match request.search_backend:
        case SearchBackend.NUMPY | SearchBackend.TORCH:
            return told
        case SearchBackend.PGVECTOR:
            return told | {"hnsw_ef_search": request.faiss_hnsw_ef_search}
        case SearchBackend.FAISS:
            return told | request.model_dump(include={name for name in type(request).model_fields if "faiss_" in name})
