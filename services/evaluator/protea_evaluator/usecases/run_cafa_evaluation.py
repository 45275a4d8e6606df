"""Measuring a prediction set on an evaluation set, one run of the evaluator for each category of knowledge."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import asdict
from functools import partial
from typing import Any
from uuid import uuid5

from protea_common.db import UnitOfWork
from protea_common.events import EvaluationDone
from protea_common.jobs import JobClaim, finish_job, guard_job, record, report_progress
from protea_common.operations import RunCafaEvaluation
from protea_common.storage import ArtifactStore
from protea_evaluator.adapters.cafaeval import CafaevalFailedError
from protea_evaluator.adapters.code import code_digest
from protea_evaluator.adapters.counts_table import write_cells
from protea_evaluator.adapters.storage import (
    EvaluationResult,
    EvaluationResultStore,
    EvaluationSet,
    PredictionSet,
    PredictionStore,
)
from protea_evaluator.domain.frame import frame_digest, frame_name
from protea_evaluator.domain.knowledge import Category
from protea_evaluator.domain.measurement import MeasuredCategory, Measurement
from protea_evaluator.domain.measures.sums import grid
from protea_evaluator.domain.prediction_table import PredictionTable
from protea_evaluator.domain.recipe import Cohort, EvaluatorRecipe, Normalisation, Propagation, Thresholds
from protea_evaluator.domain.results import results_as_json
from protea_evaluator.usecases.engines import Engine
from protea_evaluator.usecases.evaluation_task import EvaluationTask, read_task
from protea_evaluator.usecases.read_delta import DeltaReader, GainedTerms
from protea_evaluator.usecases.term_weights import TermWeights, TermWeightsReader

__all__ = ["MeasurePredictions"]

_PARTIAL_KNOWLEDGE_RULE = "known terms and their ancestors leave truth and predictions after propagation; "
_COHORT_RULES = {
    Cohort.MEASURABLE: "proteins without a new term leave the cohort",
    Cohort.ANNOTATED: "proteins without a new term count as missed",
    Cohort.MIXED: "of proteins without a new term only the predictions count",
}
"""Stored with each result: evaluators that differ in it give other figures for partial knowledge."""

_NO_ACCRETION_WARNING = "Nothing was known at t0, so no term is rarer than another: weighted measures are left out."


class MeasurePredictions:
    """Use case of ``run_cafa_evaluation``.

    A category whose run fails is left out, with a warning on the job's timeline. The id of the result follows from the
    job's, so that a job has one result however often it is delivered.
    """

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        delta_reader: DeltaReader,
        engines: Mapping[str, Engine],
        weights_reader: TermWeightsReader,
        artifacts: ArtifactStore,
        executor: Executor,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._delta_reader = delta_reader
        self._weights_reader = weights_reader
        self._engines = engines
        self._artifacts = artifacts
        self._executor = executor

    async def __call__(self, claim: JobClaim) -> None:
        """Read both sets, measure, keep the file, then the row."""
        request = RunCafaEvaluation.read(claim.payload, operation=claim.operation)
        async with self._unit_of_work() as work:
            task = await read_task(work.session, request)
        engine, recipe = self._engines[request.engine], _recipe(request)
        for leak in task.leaks:
            await self._warn(claim, leak.event, leak.message, {})
        gained = await self._delta_reader.read(task.evaluation_set)
        predictions = await self._read_predictions(task.prediction_set, gained)
        weights = await self._weights_reader.read(request, gained)
        if weights.accretion is None:
            await self._warn(claim, "evaluation.no_information_accretion", _NO_ACCRETION_WARNING, {})
        measurement = Measurement(gained.graph, weights.accretion, recipe, weights.of_interest)
        measured = await self._measure(claim, gained, predictions, engine=engine, measurement=measurement)
        code = await asyncio.to_thread(code_digest)
        stamp = _stamp(task, engine, recipe, weights) | {"purpose": request.purpose, "code_sha256": code}
        result = _evaluation_result(claim, task, measured, stamp)
        await self._keep_counts(result, gained, measured, recipe)
        await self._keep(claim, result)

    async def _read_predictions(self, prediction_set: PredictionSet, gained: GainedTerms) -> PredictionTable:
        targets = gained.delta.accessions
        async with self._unit_of_work() as work:
            store = PredictionStore(work.session)
            scored = await store.scored(prediction_set.id, accessions=targets)
            names = await store.term_names(prediction_set.ontology.id)
        build = partial(
            PredictionTable.from_columns,
            scored.query_row,
            scored.term_ids,
            scored.scores,
            names=names,
            targets=targets,
            graph=gained.graph,
            live_ids=gained.live_ids,
        )
        return await asyncio.get_running_loop().run_in_executor(self._executor, build)

    async def _measure(
        self,
        claim: JobClaim,
        gained: GainedTerms,
        predictions: PredictionTable,
        *,
        engine: Engine,
        measurement: Measurement,
    ) -> dict[Category, MeasuredCategory]:
        """Run the evaluator on each category; no transaction is open meanwhile.

        Raises
        ------
        CafaevalFailedError
            If no category could be measured.
        """
        results: dict[Category, MeasuredCategory] = {}
        failures: list[CafaevalFailedError] = []
        for step, category in enumerate(Category, start=1):
            try:
                results[category] = await engine.measure(gained.delta, category, predictions, measurement)
            except CafaevalFailedError as exc:
                failures.append(exc)
                fields = {"category": category.value, "error_code": exc.code}
                await self._warn(claim, "evaluation.category_failed", str(exc), fields)
            await self._report(claim, step=step)
        if not results:
            raise failures[-1]
        return results

    async def _warn(self, claim: JobClaim, event: str, message: str, fields: Mapping[str, str]) -> None:
        async with self._unit_of_work() as work:
            await record(work, claim.job_id, event, level="warning", message=message, fields=fields)

    async def _report(self, claim: JobClaim, *, step: int) -> None:
        async with self._unit_of_work() as work:
            await report_progress(work, claim.job_id, current=step, total=len(Category))

    async def _keep_counts(
        self,
        result: EvaluationResult,
        gained: GainedTerms,
        measured: Mapping[Category, MeasuredCategory],
        recipe: EvaluatorRecipe,
    ) -> None:
        """Keep what was counted for each protein; an engine that does not tell leaves no files."""
        cells = [cell for category in measured.values() for cell in category.cells]
        if not cells:
            return
        write = partial(write_cells, cells, gained.delta.accessions, grid(recipe.threshold_step))
        files = await asyncio.get_running_loop().run_in_executor(self._executor, write)
        for name, content in files.items():
            await self._artifacts.put(f"evaluations/results/{result.id}/{name}", content)

    async def _keep(self, claim: JobClaim, result: EvaluationResult) -> None:
        await self._artifacts.put(f"evaluations/results/{result.id}/results.json", _as_file(result))
        done = EvaluationDone(
            job_id=claim.job_id,
            evaluation_result_id=result.id,
            evaluation_set_id=result.evaluation_set_id,
            prediction_set_id=result.prediction_set_id,
        )
        async with self._unit_of_work() as work:
            await guard_job(work, claim)
            await EvaluationResultStore(work.session).add(result, job_id=claim.job_id)
            work.publish(done)
            await finish_job(work, claim, result=_job_result(result))


def _recipe(request: RunCafaEvaluation) -> EvaluatorRecipe:
    return EvaluatorRecipe(
        propagation=Propagation(request.propagation),
        normalisation=Normalisation(request.normalisation),
        thresholds=Thresholds(request.thresholds),
        cohort=Cohort(request.cohort),
        n_resamples=request.n_resamples,
    )


def _stamp(task: EvaluationTask, engine: Engine, recipe: EvaluatorRecipe, weights: TermWeights) -> dict[str, Any]:
    """Say how the figures come about; those of another frame cannot be compared."""
    evaluation_set = task.evaluation_set
    frame: dict[str, Any] = {
        "engine": engine.name,
        "version": engine.version,
        "recipe": asdict(recipe),
        "pk_rule": _PARTIAL_KNOWLEDGE_RULE + _COHORT_RULES[recipe.cohort],
        "ontology_version": evaluation_set.ontology.version,
        "ontology_sha256": evaluation_set.ontology.sha256,
        "is_pivoted": evaluation_set.is_pivoted,
        **_binding_rule(evaluation_set),
        **weights.stamp,
    }
    digest = frame_digest(frame | {"evaluation_set_id": evaluation_set.id})
    name = frame_name(engine=engine.name, version=engine.version, recipe=frame["recipe"])
    return frame | {
        "frame": {"name": name, "digest": digest},
        "window_role": evaluation_set.window_role,
        "holdout_waiver": evaluation_set.holdout_waiver,
        "predicted_from_t0": not task.leaks,
    }


def _binding_rule(evaluation_set: EvaluationSet) -> dict[str, bool]:
    """Name the rule where it holds; elsewhere stamps stay what they were before there was a choice."""
    return {"drops_binding_only": True} if evaluation_set.drops_binding_only else {}


def _evaluation_result(
    claim: JobClaim, task: EvaluationTask, measured: Mapping[Category, MeasuredCategory], stamp: Mapping[str, Any]
) -> EvaluationResult:
    return EvaluationResult(
        id=uuid5(claim.job_id, "evaluation_result"),
        evaluation_set_id=task.evaluation_set.id,
        prediction_set_id=task.prediction_set.id,
        scoring_config_id=task.prediction_set.scoring_config_id,
        results=results_as_json({category: each.results for category, each in measured.items()}),
        evaluator=stamp,
    )


def _identifiers(result: EvaluationResult) -> dict[str, Any]:
    return {
        "evaluation_result_id": str(result.id),
        "evaluation_set_id": str(result.evaluation_set_id),
        "prediction_set_id": str(result.prediction_set_id),
    }


def _as_file(result: EvaluationResult) -> bytes:
    content = _identifiers(result) | {"evaluator": result.evaluator, "results": result.results}
    return json.dumps(content, indent=2).encode()


def _job_result(result: EvaluationResult) -> dict[str, Any]:
    failed = [category.value for category in Category if category.value not in result.results]
    return _identifiers(result) | {"categories": list(result.results), "failed_categories": failed}
