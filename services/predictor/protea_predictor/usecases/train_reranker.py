"""``train_reranker``: a booster learns from a dataset's training windows and is stopped by its selection window."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid5

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.jobs import JobClaim, finish_job, guard_job, record, report_progress
from protea_common.operations import TrainReranker
from protea_common.storage import ArtifactStore
from protea_predictor.adapters.dataset_files import IDENTITY_COLUMNS, digest_of, read_truth
from protea_predictor.adapters.dataset_folder import SPLIT_FILES, TRUTH_FILE
from protea_predictor.adapters.learning_rows import CellRows, load_cell
from protea_predictor.adapters.manifest import DatasetManifest, ManifestError
from protea_predictor.adapters.reranker_spec import RerankerSpec
from protea_predictor.adapters.storage import (
    DatasetStore,
    NewReranker,
    RerankerStore,
    StoredDataset,
    WindowStore,
    freeze_snapshot,
)
from protea_predictor.domain.datasets.temporal import check_protocol
from protea_predictor.domain.features.errors import UnknownFeatureError
from protea_predictor.domain.features.fingerprint import definition_sha, feature_schema_sha
from protea_predictor.domain.reranking.categories import Cell
from protea_predictor.domain.reranking.columns import ColumnPlan
from protea_predictor.domain.reranking.errors import SchemaMismatchError
from protea_predictor.domain.reranking.measuring import measure_selection
from protea_predictor.domain.reranking.parameters import Objective, TrainingParameters
from protea_predictor.domain.reranking.training import TrainedReranker, train_booster
from protea_predictor.usecases.producer import read_producer

__all__ = ["DatasetDamagedError", "NoSelectionWindowError", "TrainOnDataset"]

_REPORT_SECONDS = 2.0
"""Between two reports of progress; each is a row of the timeline."""


class DatasetDamagedError(PermanentError):
    """A file of the dataset is not the one that its manifest describes."""

    slug: ClassVar[str] = "dataset-damaged"


class NoSelectionWindowError(PermanentError):
    """The dataset has no selection window, and without one nothing says when training has to end."""

    slug: ClassVar[str] = "no-selection-window"


class _TrainingStopped(Exception):  # noqa: N818 - no error: somebody cancelled the job
    """The job is not ours any more."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is trained, on which files."""

    request: TrainReranker
    dataset: StoredDataset
    manifest: DatasetManifest
    cell: Cell
    columns: ColumnPlan


@dataclass(frozen=True, slots=True, eq=False)
class _Outcome:
    trained: TrainedReranker
    metrics: dict[str, Any]


class TrainOnDataset:
    """Use case of ``train_reranker``: the booster's files first, then the row that names them.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    artifacts
        Where datasets lie and boosters go.
    executor
        A thread for training.
    """

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore, executor: Executor) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts
        self._executor = executor

    async def __call__(self, claim: JobClaim) -> None:
        """Check the protocol, train, keep the files, then write the row."""
        request = TrainReranker.read(claim.payload, operation=claim.operation)
        plan = await self._plan(request)
        outcome = await self._train(claim, plan)
        run_id = uuid5(claim.job_id, "reranker")
        spec = _spec(plan, outcome.trained)
        uri = await self._keep(f"rerankers/{run_id}", outcome, spec)
        new = _row(plan, outcome, spec, run_id=run_id, uri=uri)
        async with self._unit_of_work() as work:
            await guard_job(work, claim)
            await RerankerStore(work.session).add(new)
            if request.temporal_waiver is not None:
                message = request.temporal_waiver
                await record(work, claim.job_id, "temporal_protocol.waived", level="warning", message=message)
            await finish_job(work, claim, result={"reranker_model_id": str(new.id), "name": new.name, **_summary(new)})

    async def _plan(self, request: TrainReranker) -> _Plan:
        async with self._unit_of_work() as work:
            await freeze_snapshot(work.session)
            await RerankerStore(work.session).require_free(request.name)
            dataset = await DatasetStore(work.session).read(request.dataset_id)
            manifest = await self._manifest(dataset)
            await _check_windows(WindowStore(work.session), manifest, request)
        names = _columns(manifest, request)
        return _Plan(request, dataset, manifest, Cell.parse(request.category, request.aspect), ColumnPlan.live(names))

    async def _manifest(self, dataset: StoredDataset) -> DatasetManifest:
        content = await self._artifacts.get(self._artifacts.key_from_uri(dataset.manifest_uri))
        if dataset.manifest_sha not in {None, sha256(content).hexdigest()}:
            raise DatasetDamagedError(
                f"The manifest of dataset {dataset.name} is not the one that was written; export it again."
            )
        return DatasetManifest.read(content)

    async def _train(self, claim: JobClaim, plan: _Plan) -> _Outcome:
        stop, rounds = threading.Event(), _Rounds()
        async with AsyncExitStack() as stack:
            paths = [
                await stack.enter_async_context(self._artifacts.local_path(f"datasets/{plan.manifest.name}/{file}"))
                for file in (SPLIT_FILES["train"], SPLIT_FILES["eval"], TRUTH_FILE)
            ]
            stack.callback(stop.set)  # whatever ends this block ends the thread
            loop = asyncio.get_running_loop()
            training = loop.run_in_executor(self._executor, partial(_learn, plan, paths, stop=stop, rounds=rounds))
            while not (await asyncio.wait({training}, timeout=_REPORT_SECONDS))[0]:
                await self._report(claim, current=rounds.done, total=plan.request.max_rounds)
            return await training

    async def _report(self, claim: JobClaim, *, current: int, total: int) -> None:
        async with self._unit_of_work() as work:
            await guard_job(work, claim)
            await report_progress(work, claim.job_id, current=current, total=total)

    async def _keep(self, folder: str, outcome: _Outcome, spec: RerankerSpec) -> str:
        await self._artifacts.put(f"{folder}/spec.yaml", spec.to_yaml().encode())
        return await self._artifacts.put(f"{folder}/model.txt", outcome.trained.booster.text.encode())


@dataclass(slots=True)
class _Rounds:
    """How far a thread has come."""

    done: int = 0


async def _check_windows(store: WindowStore, manifest: DatasetManifest, request: TrainReranker) -> None:
    """Check the protocol by what the windows are now: their roles may have become known since the export."""
    if not manifest.windows("eval"):
        raise NoSelectionWindowError(
            f"Dataset {manifest.name} has no selection window; export one with selection_evaluation_set_id."
        )
    training = [(await store.read(window.evaluation_set_id)).window for window in manifest.windows("train")]
    (selection,) = manifest.windows("eval")
    waiver = request.temporal_waiver or manifest.temporal_waiver
    check_protocol(training, (await store.read(selection.evaluation_set_id)).window, waiver=waiver)


def _columns(manifest: DatasetManifest, request: TrainReranker) -> tuple[str, ...]:
    """Choose the features to learn from: all that any row has and that are not dropped."""
    unknown = set(request.dropped_columns) - set(manifest.feature_names)
    if unknown:
        raise UnknownFeatureError(unknown)
    left_out = {*request.dropped_columns, *manifest.absent_features}
    names = tuple(name for name in manifest.feature_names if name not in left_out)
    is_like_ours = manifest.columns[: len(IDENTITY_COLUMNS)] == IDENTITY_COLUMNS
    if definition_sha(manifest.feature_names) != manifest.schema_sha_v2 or not is_like_ours:
        raise SchemaMismatchError(
            f"Dataset {manifest.name} was exported with other columns, or other definitions of its "
            f"{len(manifest.features)} features, than this version has; export it again."
        )
    return names


def _learn(plan: _Plan, paths: list[Path], *, stop: threading.Event, rounds: _Rounds) -> _Outcome:
    """Read, train and measure; runs on a thread."""
    train_path, eval_path, truth_path = paths
    _require_whole(plan.manifest, paths)
    training = _load(plan, train_path, negatives_per_positive=plan.request.negatives_per_positive)
    selection = _load(plan, eval_path, negatives_per_positive=None)

    def on_round(number: int) -> None:
        rounds.done = number
        if stop.is_set():
            raise _TrainingStopped

    trained = train_booster(
        training.rows,
        selection.rows,
        columns=plan.columns.names,
        categories=plan.columns.categories,
        parameters=_parameters(plan.request),
        is_weighted=plan.request.weighting == "information_accretion",
        on_round=on_round,
    )
    scores = trained.score_map(trained.booster.predict(selection.rows.features))
    measures = measure_selection(
        scores,
        selection.rows,
        accessions=selection.accessions,
        aspects=selection.aspects,
        truth=read_truth(truth_path),
        cell=plan.cell,
    )
    return _Outcome(trained, _metrics(plan, trained, training, selection, measures))


def _require_whole(manifest: DatasetManifest, paths: list[Path]) -> None:
    for path, name in zip(paths, (*SPLIT_FILES.values(), TRUTH_FILE), strict=True):
        described = manifest.file(name)
        if described is None:
            raise ManifestError(f"The manifest of dataset {manifest.name} names no {name}; export the dataset again.")
        if digest_of(path).sha256 != described.sha256:
            raise DatasetDamagedError(
                f"{name} of dataset {manifest.name} is not the file that was written; export the dataset again."
            )


def _load(plan: _Plan, path: Path, *, negatives_per_positive: float | None) -> CellRows:
    return load_cell(
        path,
        plan=plan.columns,
        cell=plan.cell,
        max_rows=plan.request.max_rows,
        negatives_per_positive=negatives_per_positive,
        seed=plan.request.seed,
    )


def _parameters(request: TrainReranker) -> TrainingParameters:
    names = (
        "max_rounds",
        "early_stopping_rounds",
        "learning_rate",
        "num_leaves",
        "min_data_in_leaf",
        "feature_fraction",
        "bagging_fraction",
        "lambda_l2",
        "lambdarank_truncation_level",
        "seed",
        "threads",
    )
    chosen = {name: getattr(request, name) for name in names}
    return TrainingParameters(objective=Objective(request.objective), **chosen)


def _metrics(
    plan: _Plan, trained: TrainedReranker, training: CellRows, selection: CellRows, measures: dict[str, Any]
) -> dict[str, Any]:
    return {
        "model_sha256": trained.booster.sha256,
        "best_round": trained.best_round,
        "rounds": trained.rounds,
        "stopping_metric": Objective(plan.request.objective).stopping_metric,
        "stopping_value": trained.stopping_value,
        "training": {"rows": len(training.rows), "positives": int(training.rows.labels.sum())},
        "selection": {"rows": len(selection.rows), "positives": int(selection.rows.labels.sum())},
        "selection_window": plan.manifest.windows("eval")[0].name,
        "selection_cells": measures,
        "temporal_waiver": plan.request.temporal_waiver or plan.manifest.temporal_waiver,
    }


def _spec(plan: _Plan, trained: TrainedReranker) -> RerankerSpec:
    fields = {
        "name": plan.request.name,
        "category": plan.request.category,
        "aspect": plan.request.aspect,
        "objective": plan.request.objective,
        "columns": list(plan.columns.names),
        "families": list(plan.manifest.families),
        "vocabularies": dict(plan.columns.vocabularies),
        "score_map": {"slope": trained.score_map.slope, "intercept": trained.score_map.intercept},
        "dataset": {"name": plan.dataset.name, "manifest_sha": plan.dataset.manifest_sha},
        "candidates": dict(plan.manifest.parameters),
        "training": plan.request.model_dump(mode="json"),
    }
    return RerankerSpec.model_validate(fields)


def _row(plan: _Plan, outcome: _Outcome, spec: RerankerSpec, *, run_id: Any, uri: str) -> NewReranker:
    producer = read_producer()
    return NewReranker(
        id=run_id,
        name=plan.request.name,
        category=plan.request.category,
        aspect=plan.request.aspect,
        artifact_uri=uri,
        metrics=outcome.metrics,
        feature_importance=outcome.trained.importance,
        feature_schema_sha=feature_schema_sha(plan.columns.names),
        schema_sha_v2=definition_sha(plan.columns.names),
        spec_yaml=spec.to_yaml(),
        dataset_id=plan.dataset.id,
        evaluation_set_id=plan.manifest.windows("eval")[0].evaluation_set_id,
        embedding_config_id=plan.dataset.embedding_config_id,
        ontology_snapshot_id=plan.dataset.ontology_snapshot_id,
        producer_version=producer.version,
        producer_git_sha=producer.git_sha,
    )


def _summary(new: NewReranker) -> dict[str, Any]:
    cells = new.metrics["selection_cells"]
    return {
        "model_sha256": new.metrics["model_sha256"],
        "best_round": new.metrics["best_round"],
        "selection_fmax": {name: cell["fmax"] for name, cell in cells.items()},
    }
