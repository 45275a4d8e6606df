"""The coordinator of ``predict_go_terms``: checks what the job names, begins its set, cuts the queries into batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.events import PredictionsBatchRequested
from protea_common.jobs import JobClaim, NewBatch, dispatch_batches, link_vector_origins, record
from protea_common.operations import PredictGoTerms
from protea_predictor.adapters.storage import (
    AnnotationSetStore,
    ConfigStore,
    NewPredictionSet,
    PredictionStore,
    QueryCoverage,
    QueryStore,
    ReferenceStore,
    ScoringStore,
    StoredScoring,
    freeze_snapshot,
)
from protea_predictor.domain.features.compute import ALWAYS_COMPUTED
from protea_predictor.domain.scoring import require_produced
from protea_predictor.usecases.alignment_channel import AlignmentChannel
from protea_predictor.usecases.batch_payload import BatchPayload
from protea_predictor.usecases.calibrations import Calibrations, require_method
from protea_predictor.usecases.feature_requests import requested_families
from protea_predictor.usecases.feature_sources import FeatureReader
from protea_predictor.usecases.pair_figures import needs_figures
from protea_predictor.usecases.query_coverage import require_query_facts
from protea_predictor.usecases.receipt import Channels, Plan, method_of, write_receipt
from protea_predictor.usecases.references import selection_of
from protea_predictor.usecases.reranking import Reranking, RerankingPlan
from protea_predictor.usecases.similarity import require_similarity

__all__ = [
    "CutIntoBatches",
    "NoEmbeddedQueriesError",
    "NoReferencesError",
    "OntologyMismatchError",
    "prediction_set_id_of",
]


class OntologyMismatchError(PermanentError):
    """The job names another release of the ontology than the one its annotation set was read with."""

    slug: ClassVar[str] = "ontology-mismatch"


class NoReferencesError(PermanentError):
    """No annotated protein has an embedding under the recipe, so there is nothing to transfer from."""

    slug: ClassVar[str] = "no-references"


class NoEmbeddedQueriesError(PermanentError):
    """No protein of the query set has an embedding under the recipe, so there is nothing to predict."""

    slug: ClassVar[str] = "no-embedded-queries"


def prediction_set_id_of(job_id: UUID) -> UUID:
    """Name the set of a job: a job that is run again finds the same one."""
    return uuid5(job_id, "prediction_set")


class CutIntoBatches:
    """Use case of ``predict_go_terms``."""

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        alignment: AlignmentChannel,
        features: FeatureReader,
        reranking: Reranking,
        calibrations: Calibrations,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._alignment = alignment
        self._features = features
        self._reranking = reranking
        self._calibrations = calibrations

    async def __call__(self, claim: JobClaim) -> None:
        """Check, then begin the set and send its batches out in one transaction."""
        request = PredictGoTerms.read(claim.payload, operation=claim.operation)
        self._features.require(request)
        await self._features.require_mapping(request)
        projection = await self._features.projection(request)
        is_aligned = self._alignment.is_used(request)
        scoring = await self._find_scoring(request)
        has_figures = needs_figures(request, scoring.recipe)
        families = requested_families(request, is_aligned=is_aligned, has_figures=has_figures)
        require_produced(scoring.recipe, families=families)
        reranking = await self._reranking.plan(request, families=(*ALWAYS_COMPUTED, *families))
        calibration = await self._calibrations.find(request.calibration_id)
        channels = Channels(is_aligned, families)
        async with self._unit_of_work() as work:
            await freeze_snapshot(work.session)
            plan = await _make_plan(work.session, request, channels, scoring, reranking)
            await link_vector_origins(
                work.session, embedding_config_id=request.embedding_config_id, job_id=claim.job_id
            )
        new_set = _new_set(claim, request, replace(plan, calibration=calibration, projection=projection))
        if calibration is not None:
            require_method(calibration, method_of(new_set.meta))
        async with self._unit_of_work() as work:
            await dispatch_batches(work, claim, _batches(claim, request, plan))
            await PredictionStore(work.session).begin(new_set)
            if reranking.mismatch is not None:
                message = reranking.mismatch
                await record(work, claim.job_id, "reranker.schema_mismatch", level="warning", message=message)

    async def _find_scoring(self, request: PredictGoTerms) -> StoredScoring:
        async with self._unit_of_work() as work:
            store = ScoringStore(work.session)
            await store.add_presets()
            return await store.find(request.scoring_config_id)


async def _make_plan(
    session: AsyncSession,
    request: PredictGoTerms,
    channels: Channels,
    scoring: StoredScoring,
    reranking: RerankingPlan,
) -> Plan:
    has_unit_vectors = await ConfigStore(session).has_unit_vectors(request.embedding_config_id)
    require_similarity(request.metric, scoring.recipe, has_unit_vectors=has_unit_vectors)
    snapshot_id = await AnnotationSetStore(session).ontology_snapshot_of(request.annotation_set_id)
    if snapshot_id != request.ontology_snapshot_id:
        raise OntologyMismatchError(
            f"Annotation set {request.annotation_set_id} was read with ontology snapshot {snapshot_id}; give that as "
            "ontology_snapshot_id."
        )
    queries = await QueryStore(session).coverage(request.query_set_id, embedding_config_id=request.embedding_config_id)
    _require_queries(request, queries)
    await require_query_facts(session, request, scoring.recipe)
    selection, store = selection_of(request), ReferenceStore(session)
    references = await store.version(selection)
    if references is None:
        raise _no_references(request)
    pool_sizes = await store.pool_sizes(selection, references)
    return Plan(references, pool_sizes, queries, channels, scoring, reranking)


def _require_queries(request: PredictGoTerms, queries: QueryCoverage) -> None:
    if not queries.entry_ids:
        raise NoEmbeddedQueriesError(
            f"None of the {len(queries.skipped)} proteins of query set {request.query_set_id} has an embedding under "
            f"recipe {request.embedding_config_id}; embed them first (operation compute_embeddings with this "
            "query_set_id)."
        )


def _no_references(request: PredictGoTerms) -> NoReferencesError:
    policy = request.donor_policy
    allowed = "" if policy == type(policy)() else " that the donor policy allows"
    return NoReferencesError(
        f"No protein with annotations{allowed} in set {request.annotation_set_id} has an embedding under recipe "
        f"{request.embedding_config_id}; embed the references first: protea embed."
    )


def _new_set(claim: JobClaim, request: PredictGoTerms, plan: Plan) -> NewPredictionSet:
    return NewPredictionSet(
        id=prediction_set_id_of(claim.job_id),
        embedding_config_id=request.embedding_config_id,
        annotation_set_id=request.annotation_set_id,
        ontology_snapshot_id=request.ontology_snapshot_id,
        query_set_id=request.query_set_id,
        scoring_config_id=plan.scoring.id,
        job_id=claim.job_id,
        limit_per_entry=request.limit_per_entry,
        distance_threshold=request.distance_threshold,
        meta=write_receipt(request, plan, job_id=claim.job_id),
    )


def _batches(claim: JobClaim, request: PredictGoTerms, plan: Plan) -> list[NewBatch]:
    set_id, entry_ids = prediction_set_id_of(claim.job_id), plan.queries.entry_ids
    batches = []
    for index, start in enumerate(range(0, len(entry_ids), request.batch_size)):
        payload = BatchPayload(
            prediction_set_id=set_id,
            scoring_config_id=plan.scoring.id,
            references=plan.references,
            entry_ids=entry_ids[start : start + request.batch_size],
            is_aligned=plan.channels.is_aligned,
            reranker_model_ids=plan.reranking.reranker_ids,
            calibration_id=request.calibration_id,
            skipped_queries=len(plan.queries.skipped),
        )
        event = PredictionsBatchRequested(
            job_id=claim.job_id, batch_index=index, prediction_set_id=set_id, queries=len(payload.entry_ids)
        )
        batches.append(NewBatch(request=event, payload=payload.model_dump(mode="json")))
    return batches
