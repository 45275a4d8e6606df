"""``rescore_predictions``: sets made of a stored one, without searching and aligning again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.jobs import JobClaim, finish_job, report_progress
from protea_common.operations import RescorePredictions
from protea_predictor.adapters.storage import PredictionStore, StoredTermStore
from protea_predictor.domain.rescoring import rescore
from protea_predictor.domain.scored_pairs import ScoredPairs
from protea_predictor.domain.stored_ontology import StoredOntology
from protea_predictor.usecases.feature_sources import FeatureReader
from protea_predictor.usecases.made_ahead import made_ahead
from protea_predictor.usecases.ontologies import Ontologies
from protea_predictor.usecases.rescoring_plan import RescoringPlan, RescoringPlanner

__all__ = ["ScoreAnew"]

_PROTEINS_AT_ONCE = 200
"""Proteins whose predictions are held at a time, some hundred thousand; more take memory, fewer cost round trips."""


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Some proteins, scored anew.

    Attributes
    ----------
    accessions
        The proteins.
    end
        Position behind the last of them among all.
    pairs
        Their terms, by the set that they go into.
    """

    accessions: Sequence[str]
    end: int
    pairs: Mapping[UUID, ScoredPairs]


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
            store = PredictionStore(work.session)
            await store.hold(plan.source.id)  # so that blocks may be read in transactions of their own
            for wanted in plan.wanted:
                await store.begin(wanted.new)
            accessions = await StoredTermStore(work.session).proteins(plan.source.id)
            written: Counter[UUID] = Counter()
            async with aclosing(self._blocks(plan, accessions, ontology)) as blocks:
                async for block in blocks:
                    written += await _write(store, block, ontology)
                    await self._report(claim, current=block.end, total=len(accessions))
            for wanted in plan.wanted:
                await store.complete(wanted.new.id, prediction_count=written[wanted.new.id])
            await finish_job(work, claim, result=_result(plan, written, proteins=len(accessions)))

    def _blocks(
        self, plan: RescoringPlan, accessions: Sequence[str], ontology: StoredOntology
    ) -> AsyncGenerator[_Block]:
        """Score the predictions of some proteins after the other; the next are scored while some are written."""
        starts = range(0, len(accessions), _PROTEINS_AT_ONCE)
        return made_ahead(partial(self._score, plan, accessions, start, ontology) for start in starts)

    async def _score(
        self, plan: RescoringPlan, accessions: Sequence[str], start: int, ontology: StoredOntology
    ) -> _Block:
        source, chosen = plan.source, accessions[start : start + _PROTEINS_AT_ONCE]
        async with self._unit_of_work() as work:
            terms = StoredTermStore(work.session)
            read = terms.read_evidence if plan.needs_evidence else terms.read_scores
            stored = await read(source.id, chosen, ontology=ontology)
        categories = await self._features.categories(source.annotation_set_id, chosen, ontology)
        score = partial(rescore, stored, ontology=ontology, categories=categories, metric=plan.metric)
        loop = asyncio.get_running_loop()
        pairs = {
            wanted.new.id: await loop.run_in_executor(self._executor, score, wanted.rescoring) for wanted in plan.wanted
        }
        return _Block(chosen, start + len(chosen), pairs)

    async def _report(self, claim: JobClaim, *, current: int, total: int) -> None:
        async with self._unit_of_work() as work:
            await report_progress(work, claim.job_id, current=current, total=total)


async def _write(store: PredictionStore, block: _Block, ontology: StoredOntology) -> Counter[UUID]:
    """Write a block into each of the new sets; give the predictions of each."""
    written: Counter[UUID] = Counter()
    for set_id, pairs in block.pairs.items():
        written[set_id] = await store.write_scores(
            pairs, prediction_set_id=set_id, accessions=block.accessions, ontology=ontology
        )
    return written


def _result(plan: RescoringPlan, written: Counter[UUID], *, proteins: int) -> dict[str, Any]:
    set_ids = [wanted.new.id for wanted in plan.wanted]
    return {
        "prediction_set_ids": [str(set_id) for set_id in set_ids],
        "proteins": proteins,
        "predictions": [written[set_id] for set_id in set_ids],
    }
