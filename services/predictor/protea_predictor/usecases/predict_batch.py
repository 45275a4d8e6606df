"""A worker's part of ``predict_go_terms``: the queries of one batch into scored terms in the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from protea_common.db import UnitOfWork
from protea_common.events import PredictionsBatchDone
from protea_common.jobs import BatchClaim, complete_batch, guard_batch, succeed_job
from protea_common.operations import PredictGoTerms
from protea_common.telemetry import MetricRegistry
from protea_predictor.adapters.storage import PredictionStore, QueryStore, ScoringStore
from protea_predictor.domain.prediction import PredictionRecipe, Queries
from protea_predictor.usecases.batch_payload import BatchPayload, job_result
from protea_predictor.usecases.calibrations import Calibrations
from protea_predictor.usecases.candidates import CandidateMaker, MadeCandidates
from protea_predictor.usecases.reranking import Reranking

__all__ = ["PredictBatch"]


class PredictBatch:
    """Use case of ``predictions.batch.requested``.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    candidates
        Finds and scores candidates.
    reranking
        Scores them anew.
    calibrations
        Make probabilities of scores.
    metrics
        Where the time of a batch is counted.
    """

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        candidates: CandidateMaker,
        reranking: Reranking,
        calibrations: Calibrations,
        metrics: MetricRegistry,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._candidates = candidates
        self._reranking = reranking
        self._calibrations = calibrations
        self._metrics = metrics

    async def __call__(self, claim: BatchClaim) -> None:
        """Read, predict, write; the last batch completes the set and ends the job."""
        started = time.perf_counter()
        request = PredictGoTerms.read(claim.job_payload, operation=claim.operation)
        payload = BatchPayload.model_validate(claim.payload)
        outcome = await self._predict(request, payload)
        async with self._unit_of_work() as work:
            await guard_batch(work, claim)
            predictions = await _write(work, outcome, payload, with_evidence=request.store_evidence)
            done = PredictionsBatchDone(
                job_id=claim.job_id,
                batch_index=claim.batch_index,
                seconds=time.perf_counter() - started,
                prediction_set_id=payload.prediction_set_id,
                queries=len(payload.entry_ids),
                predictions=predictions,
            )
            counts = {"queries": done.queries, "predictions": done.predictions}
            if await complete_batch(work, claim, done, counts=counts) == 0:
                await _end(work, claim, payload)
        self._metrics.predictions_batch_seconds.labels(runner="exact").observe(time.perf_counter() - started)

    async def _predict(self, request: PredictGoTerms, payload: BatchPayload) -> MadeCandidates:
        queries, recipe = await self._read(request, payload)
        made = await self._candidates.make(request, payload.references, queries, recipe, is_aligned=payload.is_aligned)
        reranked = await self._reranking.apply(
            made.prediction,
            payload.reranker_model_ids,
            categories=made.categories,
            ontology=made.ontology,
            share=request.reranker_share,
        )
        told = await self._calibrations.apply(
            reranked,
            payload.calibration_id,
            categories=made.categories,
            ontology=made.ontology,
            abstain_below=request.abstain_below,
        )
        return replace(made, prediction=told)

    async def _read(self, request: PredictGoTerms, payload: BatchPayload) -> tuple[Queries, PredictionRecipe]:
        async with self._unit_of_work() as work:
            scoring = await ScoringStore(work.session).find(payload.scoring_config_id)
            queries = await QueryStore(work.session).read(
                payload.entry_ids,
                embedding_config_id=request.embedding_config_id,
                dimension=payload.references.dimension,
            )
        recipe = PredictionRecipe(
            k=request.limit_per_entry,
            metric=request.metric,
            distance_threshold=request.distance_threshold,
            scoring=scoring.recipe,
        )
        return queries, recipe


async def _write(work: UnitOfWork, outcome: MadeCandidates, payload: BatchPayload, *, with_evidence: bool) -> int:
    store = PredictionStore(work.session)
    await store.hold(payload.prediction_set_id)
    if not with_evidence:
        return await store.write_scores(
            outcome.prediction.pairs_kept,
            prediction_set_id=payload.prediction_set_id,
            accessions=outcome.queries.accessions,
            ontology=outcome.ontology,
        )
    return await store.write(
        outcome.prediction,
        prediction_set_id=payload.prediction_set_id,
        queries=outcome.queries,
        bank=outcome.bank,
        ontology=outcome.ontology,
    )


async def _end(work: UnitOfWork, claim: BatchClaim, payload: BatchPayload) -> None:
    store = PredictionStore(work.session)
    totals = await store.totals(claim.job_id)
    await store.complete(payload.prediction_set_id, prediction_count=totals.predictions)
    await succeed_job(work, claim.job_id, result=job_result(payload, totals))
