"""``rescore_predictions``: sets made of a stored one, without searching and aligning again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.jobs import JobClaim, finish_job, report_progress
from protea_common.operations import RescorePredictions
from protea_predictor.adapters.storage import PredictionStore, StoredTermStore
from protea_predictor.domain.rescoring import StoredTerms, rescore
from protea_predictor.domain.scored_pairs import ScoredPairs
from protea_predictor.domain.stored_ontology import StoredOntology
from protea_predictor.usecases.feature_sources import FeatureReader
from protea_predictor.usecases.ontologies import Ontologies
from protea_predictor.usecases.rescoring_plan import RescoringPlan, RescoringPlanner

__all__ = ["ScoreAnew"]

_PROTEINS_AT_ONCE = 200
"""Proteins whose predictions are held at a time, some hundred thousand; more take memory, fewer cost round trips."""


class ScoreAnew:
    """Use case of ``rescore_predictions``; the ids of the new sets follow from the job's and the recipes'.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    planner
        Checks what a job names.
    ontologies
        Releases of GO in memory.
    features
        Tells how much is known of proteins.
    executor
        A thread for scoring.
    """

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        planner: RescoringPlanner,
        ontologies: Ontologies,
        features: FeatureReader,
        executor: Executor,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._planner = planner
        self._ontologies = ontologies
        self._features = features
        self._executor = executor

    async def __call__(self, claim: JobClaim) -> None:
        """Check, then write all sets part by part; the guard comes last, for it would hold the job all the while."""
        request = RescorePredictions.read(claim.payload, operation=claim.operation)
        plan = await self._planner.plan(request, job_id=claim.job_id)
        ontology = await self._ontologies.get(plan.source.ontology_snapshot_id)
        async with self._unit_of_work() as work:
            store, terms = PredictionStore(work.session), StoredTermStore(work.session)
            await store.hold(plan.source.id)
            for wanted in plan.wanted:
                await store.begin(wanted.new)
            accessions = await terms.proteins(plan.source.id)
            written: Counter[UUID] = Counter()
            for first in range(0, len(accessions), _PROTEINS_AT_ONCE):
                block = accessions[first : first + _PROTEINS_AT_ONCE]
                written += await self._write(work, plan, block, ontology)
                await self._report(claim, current=first + len(block), total=len(accessions))
            for wanted in plan.wanted:
                await store.complete(wanted.new.id, prediction_count=written[wanted.new.id])
            await finish_job(work, claim, result=_result(plan, written, proteins=len(accessions)))

    async def _write(
        self, work: UnitOfWork, plan: RescoringPlan, accessions: Sequence[str], ontology: StoredOntology
    ) -> Counter[UUID]:
        """Score the predictions of some proteins by each recipe, and write them; give their number by set."""
        source, terms = plan.source, StoredTermStore(work.session)
        read = terms.read_evidence if plan.needs_evidence else terms.read_scores
        stored = await read(source.id, accessions, ontology=ontology)
        score = await self._scorer(plan, stored, accessions, ontology)
        written: Counter[UUID] = Counter()
        for wanted in plan.wanted:
            pairs = await asyncio.get_running_loop().run_in_executor(self._executor, score, wanted.rescoring)
            written[wanted.new.id] = await PredictionStore(work.session).write_scores(
                pairs, prediction_set_id=wanted.new.id, accessions=accessions, ontology=ontology
            )
        return written

    async def _scorer(
        self, plan: RescoringPlan, stored: StoredTerms, accessions: Sequence[str], ontology: StoredOntology
    ) -> Callable[..., ScoredPairs]:
        categories = await self._features.categories(plan.source.annotation_set_id, accessions, ontology)
        return partial(rescore, stored, ontology=ontology, categories=categories, metric=plan.metric)

    async def _report(self, claim: JobClaim, *, current: int, total: int) -> None:
        async with self._unit_of_work() as work:
            await report_progress(work, claim.job_id, current=current, total=total)


def _result(plan: RescoringPlan, written: Counter[UUID], *, proteins: int) -> dict[str, Any]:
    set_ids = [wanted.new.id for wanted in plan.wanted]
    return {
        "prediction_set_ids": [str(set_id) for set_id in set_ids],
        "proteins": proteins,
        "predictions": [written[set_id] for set_id in set_ids],
    }
