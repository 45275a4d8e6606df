"""``fit_calibration``: what the scores of a prediction set were worth on a window that is for choosing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, ClassVar
from uuid import uuid5

import numpy as np

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.jobs import JobClaim, finish_job, guard_job, record
from protea_common.operations import FitCalibration
from protea_common.scored_terms import ScoredTerms
from protea_common.storage import ArtifactStore
from protea_predictor.adapters.ground_truth import GroundTruth, read_ground_truth
from protea_predictor.adapters.storage import (
    CalibrationStore,
    NewCalibration,
    PredictionStore,
    StoredPredictions,
    StoredWindow,
    WindowStore,
    freeze_snapshot,
)
from protea_predictor.domain.calibration import Calibration, fit_calibration
from protea_predictor.domain.calibration_measures import measure_calibration
from protea_predictor.domain.datasets.temporal import require_selectable
from protea_predictor.domain.reranking.categories import NO_CATEGORY, cells_of
from protea_predictor.domain.reranking.truth import WindowTruth
from protea_predictor.domain.stored_ontology import StoredOntology
from protea_predictor.usecases.ontologies import Ontologies
from protea_predictor.usecases.plain_predictions import why_not_plain
from protea_predictor.usecases.receipt import method_of

__all__ = ["FitToWindow", "UnfitPredictionsError"]


class UnfitPredictionsError(PermanentError):
    """A calibration cannot be fitted to the prediction set: it is not of the window, or its scores are not plain."""

    slug: ClassVar[str] = "predictions-unfit-for-calibration"


@dataclass(frozen=True, slots=True, eq=False)
class _Sources:
    """What a calibration is fitted to."""

    window: StoredWindow
    predictions: StoredPredictions
    scored: ScoredTerms
    gained: GroundTruth
    ontology: StoredOntology


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    calibration: Calibration
    candidates: int
    metrics: Mapping[str, Any]


class FitToWindow:
    """Use case of ``fit_calibration``: the curves as a file first, then the row that names them.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    ontologies
        Releases of GO in memory.
    artifacts
        Where ground truths lie and calibrations go.
    executor
        A thread for fitting.
    """

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        ontologies: Ontologies,
        artifacts: ArtifactStore,
        executor: Executor,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._ontologies = ontologies
        self._artifacts = artifacts
        self._executor = executor

    async def __call__(self, claim: JobClaim) -> None:
        """Check the window and the predictions, fit, keep the curves, then write the row."""
        request = FitCalibration.read(claim.payload, operation=claim.operation)
        sources = await self._read(request)
        fit = await asyncio.get_running_loop().run_in_executor(self._executor, partial(_fitted, sources))
        calibration_id = uuid5(claim.job_id, "calibration")
        content = json.dumps(fit.calibration.as_json()).encode()
        new = NewCalibration(
            id=calibration_id,
            evaluation_set_id=request.evaluation_set_id,
            prediction_set_id=request.prediction_set_id,
            job_id=claim.job_id,
            artifact_uri=await self._artifacts.put(f"calibrations/{calibration_id}.json", content),
            content_sha256=sha256(content).hexdigest(),
            candidate_count=fit.candidates,
            method=method_of(sources.predictions.receipt),
            metrics=fit.metrics,
        )
        async with self._unit_of_work() as work:
            await guard_job(work, claim)
            await CalibrationStore(work.session).add(new)
            if request.temporal_waiver is not None:
                message = request.temporal_waiver
                await record(work, claim.job_id, "temporal_protocol.waived", level="warning", message=message)
            await finish_job(work, claim, result=_result(new))

    async def _read(self, request: FitCalibration) -> _Sources:
        async with self._unit_of_work() as work:
            await freeze_snapshot(work.session)
            window = await WindowStore(work.session).read(request.evaluation_set_id)
            require_selectable(window.window, waiver=request.temporal_waiver)
            predictions = await PredictionStore(work.session).read(request.prediction_set_id)
        uri = _require_fit(window, predictions)
        ontology = await self._ontologies.get(window.ontology_snapshot_id)
        gained = await read_ground_truth(self._artifacts, uri, ontology.graph)
        async with self._unit_of_work() as work:
            scored = await CalibrationStore(work.session).scored(
                request.prediction_set_id, gained.accessions, max_rows=request.max_rows
            )
        return _Sources(window, predictions, scored, gained, ontology)


def _require_fit(window: StoredWindow, predictions: StoredPredictions) -> str:
    """Refuse predictions that the window says nothing about; give the place of its ground truth."""
    problems = {
        "was not made from the window's older annotation set": (
            predictions.annotation_set_id != window.old_annotation_set_id
        ),
        "was made with another ontology than the window": (
            predictions.ontology_snapshot_id != window.ontology_snapshot_id
        ),
    }
    found = [*why_not_plain(predictions), *(problem for problem, is_so in problems.items() if is_so)]
    if found:
        raise UnfitPredictionsError(
            f"Prediction set {predictions.id} {' and '.join(found)}; run predict_go_terms on the annotations of "
            f"{window.window.old.name} without calibration_id and abstain_below, and name its set."
        )
    if window.groundtruth_uri is None:
        raise UnfitPredictionsError(
            f"Evaluation set {window.window.evaluation_set_id} has no ground truth in the artifact store; generate it "
            "again."
        )
    return window.groundtruth_uri


def _fitted(sources: _Sources) -> _Fit:
    """Label the predictions that an evaluation measures, and fit to them; runs on a thread."""
    graph, scored, gained = sources.ontology.graph, sources.scored, sources.gained
    truth = WindowTruth.build(gained.gained, gained.known, graph, n_queries=len(gained.accessions))
    term_row = sources.ontology.rows_of(scored.term_ids)
    categories = truth.categories_of(scored.query_row, term_row)
    measured = np.flatnonzero(categories != NO_CATEGORY)
    queries, terms, scores = scored.query_row[measured], term_row[measured], scored.scores[measured]
    labels, cells = truth.labels_of(queries, terms), cells_of(categories[measured], graph.aspects[terms])
    calibration = fit_calibration(scores, labels, cells)
    metrics = measure_calibration(calibration, scores, labels, cells, proteins=queries)
    return _Fit(calibration, len(scores), metrics)


def _result(new: NewCalibration) -> dict[str, Any]:
    return {
        "calibration_id": str(new.id),
        "artifact_uri": new.artifact_uri,
        "content_sha256": new.content_sha256,
        "predictions": new.candidate_count,
        "aspects": dict(new.metrics),
    }
