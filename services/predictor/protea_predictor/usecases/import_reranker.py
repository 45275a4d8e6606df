"""``import_reranker``: a booster that was trained elsewhere becomes one that is served here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import Executor
from hashlib import sha256
from typing import Any, ClassVar
from uuid import UUID, uuid5

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.jobs import JobClaim, finish_job, guard_job, record
from protea_common.operations import ImportReranker
from protea_common.storage import ArtifactStore
from protea_predictor.adapters.manifest import DatasetManifest
from protea_predictor.adapters.reranker_spec import RerankerSpec
from protea_predictor.adapters.storage import DatasetStore, NewReranker, RerankerStore, StoredDataset, WindowStore
from protea_predictor.domain.datasets.temporal import require_selectable
from protea_predictor.domain.features.definitions import FEATURES
from protea_predictor.domain.features.fingerprint import definition_sha, feature_schema_sha
from protea_predictor.domain.reranking.booster import Booster
from protea_predictor.domain.reranking.errors import InvalidBoosterError, SchemaMismatchError
from protea_predictor.domain.reranking.model_text import MAX_MODEL_BYTES
from protea_predictor.domain.reranking.reranker import reads_coordinates

__all__ = ["DigestMismatchError", "ImportBooster", "InvalidRunError"]


class DigestMismatchError(PermanentError):
    """The uploaded file is not the one whose digest was given."""

    slug: ClassVar[str] = "digest-mismatch"


class InvalidRunError(PermanentError):
    """What came of the training is no JSON object."""

    slug: ClassVar[str] = "invalid-run"


class ImportBooster:
    """Use case of ``import_reranker``: the files first, then the row that names them.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    artifacts
        Where uploads lie and boosters go.
    executor
        Threads on which boosters are read.
    """

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore, executor: Executor) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts
        self._executor = executor

    async def __call__(self, claim: JobClaim) -> None:
        """Check the file, keep it, then write the row."""
        request = ImportReranker.read(claim.payload, operation=claim.operation)
        dataset = await self._check_database(request)
        booster = await self._booster(request)
        _require_defined(booster)
        if dataset is not None:
            await self._require_of_dataset(booster, dataset)
        elif reads_coordinates(booster):
            raise SchemaMismatchError(
                "The booster reads principal components, which are directions of one recipe's vectors; name the "
                "dataset that it was trained on (dataset_id, or --dataset), which says of which."
            )
        run_id = uuid5(claim.job_id, "reranker")
        spec, run = RerankerSpec.read(request.spec_yaml), _read_run(request.run_json)
        uri = await self._artifacts.put(f"rerankers/{run_id}/model.txt", booster.text.encode())
        await self._artifacts.put(f"rerankers/{run_id}/spec.yaml", spec.to_yaml().encode())
        new = _row(request, booster, spec, run, run_id=run_id, uri=uri, dataset=dataset)
        async with self._unit_of_work() as work:
            await guard_job(work, claim)
            await RerankerStore(work.session).add(new, replaces=request.force)
            if request.temporal_waiver is not None:
                message = request.temporal_waiver
                await record(work, claim.job_id, "temporal_protocol.waived", level="warning", message=message)
            await finish_job(work, claim, result=_result(new, booster))

    async def _check_database(self, request: ImportReranker) -> StoredDataset | None:
        async with self._unit_of_work() as work:
            if not request.force:
                await RerankerStore(work.session).require_free(request.name)
            if request.evaluation_set_id is not None:
                selection = await WindowStore(work.session).read(request.evaluation_set_id)
                require_selectable(selection.window, waiver=request.temporal_waiver)
            if request.dataset_id is None:
                return None
            return await DatasetStore(work.session).read(request.dataset_id)

    async def _booster(self, request: ImportReranker) -> Booster:
        key = request.source_uri.removeprefix("artifact:")
        async with self._artifacts.local_path(key) as path:
            size = path.stat().st_size
            if size > MAX_MODEL_BYTES:
                raise InvalidBoosterError(f"The booster has {size} bytes, and {MAX_MODEL_BYTES} are read.")
            content = await asyncio.to_thread(path.read_bytes)
        digest = sha256(content).hexdigest()
        if request.sha256 not in {None, digest}:
            raise DigestMismatchError(
                f"The uploaded file has the SHA-256 {digest}, not {request.sha256}; upload the file that was meant."
            )
        text = content.decode("ascii", "replace")
        return await asyncio.get_running_loop().run_in_executor(self._executor, Booster.read, text)

    async def _require_of_dataset(self, booster: Booster, dataset: StoredDataset) -> None:
        content = await self._artifacts.get(self._artifacts.key_from_uri(dataset.manifest_uri))
        manifest = DatasetManifest.read(content)
        missing = sorted(set(booster.columns) - set(manifest.feature_names))
        if missing:
            raise SchemaMismatchError(
                f"The booster reads {', '.join(missing)}, which dataset {dataset.name} does not have; name the dataset "
                "that it was trained on."
            )
        versions = {feature.name: feature.version for feature in manifest.features}
        renewed = [name for name in booster.columns if versions[name] != FEATURES[name].version]
        if renewed:
            raise SchemaMismatchError(
                f"Dataset {dataset.name} has other definitions of {', '.join(renewed)} than this version; export it "
                "again and train the booster anew."
            )


def _require_defined(booster: Booster) -> None:
    unknown = sorted(set(booster.columns) - set(FEATURES))
    if unknown:
        raise SchemaMismatchError(
            f"The booster reads features that nothing here defines: {', '.join(unknown)}. Train it on the columns of "
            "an exported dataset."
        )


def _read_run(text: str | None) -> dict[str, Any]:
    try:
        run = json.loads(text or "{}")
    except ValueError as exc:
        raise InvalidRunError(f"run_json is no JSON ({exc}); leave it out or mend it.") from exc
    if not isinstance(run, dict):
        raise InvalidRunError("run_json is no JSON object; leave it out or mend it.")
    return run


def _row(
    request: ImportReranker,
    booster: Booster,
    spec: RerankerSpec,
    run: dict[str, Any],
    *,
    run_id: UUID,
    uri: str,
    dataset: StoredDataset | None,
) -> NewReranker:
    return NewReranker(
        id=run_id,
        name=request.name,
        category=request.category,
        aspect=request.aspect,
        artifact_uri=uri,
        metrics={"model_sha256": booster.sha256, "run": run, **_waived(request)},
        feature_importance={},
        feature_schema_sha=feature_schema_sha(booster.columns),
        schema_sha_v2=definition_sha(booster.columns),
        spec_yaml=spec.to_yaml(),
        dataset_id=request.dataset_id,
        evaluation_set_id=request.evaluation_set_id,
        embedding_config_id=None if dataset is None else dataset.embedding_config_id,
        ontology_snapshot_id=None if dataset is None else dataset.ontology_snapshot_id,
        external_source=request.external_source,
    )


def _waived(request: ImportReranker) -> dict[str, str]:
    return {} if request.temporal_waiver is None else {"temporal_waiver": request.temporal_waiver}


def _result(new: NewReranker, booster: Booster) -> dict[str, Any]:
    return {
        "reranker_model_id": str(new.id),
        "name": new.name,
        "artifact_uri": new.artifact_uri,
        "model_sha256": booster.sha256,
        "features": len(booster.columns),
        "objective": booster.objective,
    }
