"""``export_research_dataset``: candidates of windows with features and labels, frozen in the artifact store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Literal, TypeVar
from uuid import uuid5

from protea_common.db import UnitOfWork
from protea_common.domain.scoring import ScoringRecipe
from protea_common.errors import PermanentError
from protea_common.jobs import JobClaim, finish_job, guard_job, record, report_progress
from protea_common.operations import ExportResearchDataset
from protea_common.snapshot_dates import read_mapping_day
from protea_common.storage import ArtifactStore
from protea_predictor.adapters.dataset_folder import SPLIT_FILES, DatasetFolder, FolderContent
from protea_predictor.adapters.manifest import DatasetManifest, describe_dataset, describe_window
from protea_predictor.adapters.storage import (
    DatasetStore,
    NewDataset,
    ScoringStore,
    StoredWindow,
    WindowStore,
    freeze_snapshot,
)
from protea_predictor.domain.datasets.alarms import Alarm
from protea_predictor.domain.datasets.temporal import Window, check_protocol, require_known_before, require_learnable
from protea_predictor.domain.datasets.thinning import Thinning
from protea_predictor.usecases.learning_windows import LearningWindow, LearningWindows
from protea_predictor.usecases.producer import read_producer

__all__ = ["DatasetAlarmError", "EmptyDatasetError", "ExportDataset"]

T = TypeVar("T")

_LONGEST_PAIR = 64
"""Characters of a window's name that the row keeps; the manifest has all of them."""


class DatasetAlarmError(PermanentError):
    """Columns of the dataset are suspicious: what is trained on them would look better than it is, or learn nothing."""

    slug: ClassVar[str] = "dataset-alarm"

    def __init__(self, alarms: list[Alarm]) -> None:
        listed = "; ".join(alarm.message for alarm in alarms)
        super().__init__(
            f"The dataset was not kept: {listed}. Find out why, or name the column in alarm_waivers with the reason "
            "why it is right."
        )
        self.columns = tuple(alarm.column for alarm in alarms)


class EmptyDatasetError(PermanentError):
    """No protein of the windows has a candidate, so there is nothing to learn from."""

    slug: ClassVar[str] = "empty-dataset"


@dataclass(frozen=True, slots=True)
class _Part:
    """A window, and which file its rows go into."""

    split: Literal["train", "eval"]
    window: LearningWindow


class ExportDataset:
    """Use case of ``export_research_dataset``: the files first, then the row that names them.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    windows
        Reads windows.
    artifacts
        Where files go.
    storage_backend
        Its name, for the row.
    executor
        Threads that write files.
    """

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        windows: LearningWindows,
        artifacts: ArtifactStore,
        storage_backend: str,
        executor: Executor,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._windows = windows
        self._artifacts = artifacts
        self._storage_backend = storage_backend
        self._executor = executor

    async def __call__(self, claim: JobClaim) -> None:
        """Check, write the files here, judge and upload them, then write the row."""
        request = ExportResearchDataset.read(claim.payload, operation=claim.operation)
        parts = await self._parts(request)
        with TemporaryDirectory(prefix="protea-dataset-") as folder:
            content = await self._write(claim, request, parts, Path(folder))
            _require_trusted(content, request)
            manifest = _manifest(request, parts, content)
            await self._upload(manifest, Path(folder))
        new = self._row(claim, request, manifest)
        async with self._unit_of_work() as work:
            await guard_job(work, claim)
            await DatasetStore(work.session).add(new)
            await _record_exceptions(work, claim, manifest)
            await finish_job(work, claim, result=_result(new))

    async def _parts(self, request: ExportResearchDataset) -> list[_Part]:
        """Read the windows, refuse those that the temporal protocol forbids, and open the others."""
        scoring = await self._scoring(request)
        async with self._unit_of_work() as work:
            await freeze_snapshot(work.session)
            await DatasetStore(work.session).require_free(request.output_name)
            training, selection = await _stored_windows(WindowStore(work.session), request)
        windows = [stored.window for stored in training]
        for window in windows:
            require_learnable(window)
        if selection is not None:
            check_protocol(windows, selection.window, waiver=request.temporal_waiver)
            windows.append(selection.window)
        open_window = partial(self._windows.open, choices=request, scoring=scoring)
        parts = [_Part("train", await open_window(stored)) for stored in training]
        if selection is not None:
            parts.append(_Part("eval", await open_window(selection)))
        await self._require_mapping_from_before(windows, request)
        return parts

    async def _require_mapping_from_before(self, windows: Sequence[Window], request: ExportResearchDataset) -> None:
        mapping = request.interpro_mapping
        if mapping is None:
            return
        async with self._unit_of_work() as work:
            released_on = await read_mapping_day(work.session, mapping)
        what = f"the InterPro2GO mapping {mapping}"
        require_known_before(windows, what=what, released_on=released_on, waiver=request.temporal_waiver)

    async def _scoring(self, request: ExportResearchDataset) -> ScoringRecipe:
        async with self._unit_of_work() as work:
            store = ScoringStore(work.session)
            await store.add_presets()
            return (await store.find(request.scoring_config_id)).recipe

    async def _write(
        self, claim: JobClaim, request: ExportResearchDataset, parts: list[_Part], folder: Path
    ) -> FolderContent:
        done, total = 0, sum(len(part.window.embedded) for part in parts)
        go_ids = parts[0].window.truth.graph.go_ids
        with DatasetFolder(folder, go_ids=go_ids) as files:
            for part in parts:
                if part.split == "eval":
                    await self._run(partial(files.write_truth, part.window.truth_rows))
                thinning = Thinning(request.best_per_aspect, request.share_of_others, request.thinning_seed)
                size = request.proteins_per_block
                blocks = self._windows.blocks(part.window, proteins_per_block=size, thinning=thinning)
                async with aclosing(blocks):
                    async for block in blocks:
                        await self._run(partial(files.write, part.split, block))
                        done += len(block.accessions)
                        await self._report(claim, current=done, total=total)
            return await self._run(partial(files.close, suspicious_auc=request.suspicious_auc))

    async def _report(self, claim: JobClaim, *, current: int, total: int) -> None:
        async with self._unit_of_work() as work:
            await guard_job(work, claim)
            await report_progress(work, claim.job_id, current=current, total=total)

    async def _upload(self, manifest: DatasetManifest, folder: Path) -> None:
        async with self._unit_of_work() as work:  # hours may have passed, and the files of another must stay
            await DatasetStore(work.session).require_free(manifest.name)
        for file in manifest.files:
            await self._artifacts.put(_key(manifest.name, file.name), folder / file.name)
        await self._artifacts.put(_key(manifest.name, "manifest.json"), manifest.to_bytes())

    def _row(self, claim: JobClaim, request: ExportResearchDataset, manifest: DatasetManifest) -> NewDataset:
        def url(file: str) -> str:
            return self._artifacts.url(_key(manifest.name, file))

        selection = manifest.windows("eval")
        return NewDataset(
            id=uuid5(claim.job_id, "dataset"),
            name=manifest.name,
            operation=claim.operation,
            job_id=claim.job_id,
            storage_backend=self._storage_backend,
            key_prefix=f"datasets/{manifest.name}",
            train_uri=url(SPLIT_FILES["train"]),
            eval_uri=url(SPLIT_FILES["eval"]) if selection else None,
            manifest_uri=url("manifest.json"),
            schema_sha=manifest.schema_sha,
            schema_sha_v2=manifest.schema_sha_v2,
            manifest_sha=sha256(manifest.to_bytes()).hexdigest(),
            n_train_rows=manifest.rows["train"],
            n_eval_rows=manifest.rows["eval"],
            k=request.limit_per_entry,
            annotation_source="goa",
            embedding_config_id=request.embedding_config_id,
            ontology_snapshot_id=request.ontology_snapshot_id,
            train_snapshot_pairs=[window.name for window in manifest.windows("train")],
            eval_snapshot_pair=selection[0].name[:_LONGEST_PAIR] if selection else None,
            producer_version=manifest.producer.version,
            producer_git_sha=manifest.producer.git_sha,
            meta={"cells": manifest.cells, "families": manifest.families},
        )

    async def _run(self, compute: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, compute)


async def _stored_windows(
    store: WindowStore, request: ExportResearchDataset
) -> tuple[list[StoredWindow], StoredWindow | None]:
    training = [await store.read(evaluation_set_id) for evaluation_set_id in request.train_evaluation_set_ids]
    selection_id = request.selection_evaluation_set_id
    return training, None if selection_id is None else await store.read(selection_id)


def _require_trusted(content: FolderContent, request: ExportResearchDataset) -> None:
    if not content.counts["train"]:
        raise EmptyDatasetError(
            "No protein of the training windows has a candidate in an aspect in which it gained terms; give other "
            "windows, or a larger limit_per_entry."
        )
    alarms = [alarm for alarm in content.alarms if alarm.column not in request.alarm_waivers]
    if alarms:
        raise DatasetAlarmError(alarms)


def _manifest(request: ExportResearchDataset, parts: list[_Part], content: FolderContent) -> DatasetManifest:
    return describe_dataset(
        content,
        name=request.output_name,
        pairs=[
            describe_window(
                part.split,
                part.window.stored,
                proteins=len(part.window.accessions),
                embedded=len(part.window.embedded),
            )
            for part in parts
        ],
        parameters=request.model_dump(mode="json"),
        waivers=request.alarm_waivers,
        temporal_waiver=request.temporal_waiver,
        projection_sha256=parts[0].window.projection_sha256,
        producer=read_producer(),
    )


async def _record_exceptions(work: UnitOfWork, claim: JobClaim, manifest: DatasetManifest) -> None:
    """Say on the timeline what was let pass, and why."""
    for alarm in manifest.alarms:
        message = f"{alarm.message}; waived: {alarm.waived_because}"
        await record(work, claim.job_id, "dataset.alarm_waived", level="warning", message=message)
    if manifest.temporal_waiver is not None:
        message = manifest.temporal_waiver
        await record(work, claim.job_id, "temporal_protocol.waived", level="warning", message=message)


def _key(name: str, file: str) -> str:
    return f"datasets/{name}/{file}"


def _result(new: NewDataset) -> dict[str, str | int]:
    return {
        "dataset_id": str(new.id),
        "name": new.name,
        "manifest_uri": new.manifest_uri,
        "train_rows": new.n_train_rows,
        "eval_rows": new.n_eval_rows,
        "schema_sha": new.schema_sha,
    }
