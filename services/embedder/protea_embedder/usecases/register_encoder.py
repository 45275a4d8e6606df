"""Making a recipe of a protein language model: its files are kept under their digest, the recipe names it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.jobs import JobClaim, finish_job, guard_job, report_progress
from protea_common.operations import RegisterEncoder
from protea_embedder.adapters.model_sources import ModelSources
from protea_embedder.adapters.model_store import ModelStore, count_parameters, scan_model_folder
from protea_embedder.adapters.storage import ConfigStore
from protea_embedder.domain.embedding_config import ConfigText, EmbeddingConfig, new_embedding_config
from protea_embedder.domain.model_files import ModelManifest
from protea_embedder.domain.model_shape import read_model_shape
from protea_embedder.domain.recipe import EmbeddingRecipe, ModelBackend
from protea_embedder.domain.unirep import LICENCE as UNIREP_LICENCE

__all__ = ["LicenceNotAcceptedError", "RegisterModel"]

_STEPS = 3
"""Finding the files, keeping them, keeping the recipe."""


class LicenceNotAcceptedError(PermanentError):
    """The operator has not said that the licence of the weights allows what is done here."""

    slug: ClassVar[str] = "licence-not-accepted"
    status: ClassVar[int] = 403


class RegisterModel:
    """Use case of ``register_encoder``; the same files and choices are the same recipe, so repeating changes nothing.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    sources
        Where models come from.
    models
        Where they are kept.
    executor
        Thread on which files are digested.
    max_bytes
        Most that a model may have.
    accept_unirep
        Whether the operator accepts the licence of UniRep's weights.
    """

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        sources: ModelSources,
        models: ModelStore,
        executor: Executor,
        max_bytes: int,
        accept_unirep: bool = False,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._sources = sources
        self._models = models
        self._executor = executor
        self._max_bytes = max_bytes
        self._accept_unirep = accept_unirep

    async def __call__(self, claim: JobClaim) -> None:
        """Find, check, keep; no torch is needed, the worker that loads the model first checks the rest."""
        request = RegisterEncoder.read(claim.payload, operation=claim.operation)
        self._check_licence(request)
        loop = asyncio.get_running_loop()
        async with self._open(request) as folder:
            manifest, parameters = await loop.run_in_executor(self._executor, self._scan, folder)
            recipe = _recipe(request, manifest)
            shape = read_model_shape((folder / "config.json").read_bytes(), recipe)
            dimension = shape.dimension(recipe)
            await self._report(claim, steps=1)
            weights_uri = await self._models.put(folder, manifest)
        config = new_embedding_config(recipe, weights_uri=weights_uri, dimension=dimension)
        async with self._unit_of_work() as work:
            await guard_job(work, claim)
            await ConfigStore(work.session).add(config, _text(request, parameters=parameters))
            await report_progress(work, claim.job_id, current=_STEPS, total=_STEPS)
            await finish_job(work, claim, result=_result(config, request, parameters=parameters))

    def _check_licence(self, request: RegisterEncoder) -> None:
        if ModelBackend(request.model_backend) is ModelBackend.UNIREP and not self._accept_unirep:
            raise LicenceNotAcceptedError(
                f"The published weights of UniRep are under {UNIREP_LICENCE}, which allows no commercial use. If that "
                "fits what is done here, the operator sets PROTEA_EMBEDDER__ACCEPT_UNIREP_LICENCE to true."
            )

    @asynccontextmanager
    async def _open(self, request: RegisterEncoder) -> AsyncIterator[Path]:
        if request.folder is not None:
            yield self._sources.allowed_folder(request.folder)
        elif request.hub_model is not None:
            async with self._sources.from_hub(request.hub_model, revision=request.hub_revision) as folder:
                yield folder
        else:
            async with self._sources.uploaded(request.files or {}) as folder:
                yield folder

    def _scan(self, folder: Path) -> tuple[ModelManifest, int]:
        return scan_model_folder(folder, max_bytes=self._max_bytes), count_parameters(folder)

    async def _report(self, claim: JobClaim, *, steps: int) -> None:
        async with self._unit_of_work() as work:
            await report_progress(work, claim.job_id, current=steps, total=_STEPS)


def _recipe(request: RegisterEncoder, manifest: ModelManifest) -> EmbeddingRecipe:
    return EmbeddingRecipe(
        model_name=request.model_name,
        model_backend=request.model_backend,
        layer_indices=request.layer_indices,
        layer_agg=request.layer_agg,
        pooling=request.pooling,
        normalize_residues=request.normalize_residues,
        normalize=request.normalize,
        max_length=request.max_length,
        use_chunking=request.use_chunking,
        chunk_size=request.chunk_size,
        chunk_overlap=request.chunk_overlap,
        embedding_scale=request.embedding_scale,
        weights_digest=manifest.digest,
    )


def _text(request: RegisterEncoder, *, parameters: int) -> ConfigText:
    return ConfigText(
        display_name=request.display_name or request.model_name,
        family=request.family or request.model_backend,
        description=request.description,
        licence=request.licence,
        is_language_model=True,
        param_count=parameters,
    )


def _result(config: EmbeddingConfig, request: RegisterEncoder, *, parameters: int) -> dict[str, str | int | None]:
    return {
        "embedding_config_id": str(config.id),
        "dimension": config.dimension,
        "parameters": parameters,
        "licence": request.licence,
        "weights_digest": config.recipe.weights_digest,
    }
