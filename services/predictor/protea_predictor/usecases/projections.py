"""The one fit of principal components of each recipe: made for its first dataset, kept, and read by everyone after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.storage import ArtifactStore
from protea_predictor.adapters.projection_file import read_projection, write_projection
from protea_predictor.adapters.storage import ProjectionStore, StoredProjection
from protea_predictor.domain.features.pca import SAMPLE, SOLVER, Projection, fit_projection
from protea_predictor.domain.reference_bank import ReferenceBank, ReferenceSelection, ReferenceVersion, bank_digest
from protea_predictor.domain.stored_ontology import StoredOntology
from protea_predictor.usecases.recently_used import RecentlyUsed
from protea_predictor.usecases.references import ReferenceBanks

__all__ = ["LoadedProjection", "NoProjectionError", "ProjectionDamagedError", "Projections"]

T = TypeVar("T")

_SEED = 0
"""Of the sample; kept with each fit, so that another one here changes none that is there."""


class NoProjectionError(PermanentError):
    """Principal components are asked for, and the recipe has no fit of them."""

    slug: ClassVar[str] = "no-projection"
    status: ClassVar[int] = 409


class ProjectionDamagedError(PermanentError):
    """The file of a fit is not the one that was written; restore it from a backup."""

    slug: ClassVar[str] = "projection-damaged"


@dataclass(frozen=True, slots=True, eq=False)
class LoadedProjection:
    """A fit that was checked."""

    stored: StoredProjection
    projection: Projection

    @property
    def receipt(self) -> dict[str, Any]:
        """What a prediction set says of it."""
        return {
            "content_sha256": self.stored.content_sha256,
            "references": self.stored.reference_digest,
            "vectors": self.stored.vector_count,
            "solver": self.stored.solver,
            "seed": self.stored.seed,
        }


class Projections:
    """Fits, the ones used last.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    artifacts
        Where files of fits lie.
    banks
        Vectors that are fitted.
    executor
        Threads that fit.
    capacity
        Fits kept.
    """

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        artifacts: ArtifactStore,
        banks: ReferenceBanks,
        executor: Executor,
        capacity: int,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts
        self._banks = banks
        self._executor = executor
        self._kept = RecentlyUsed[UUID, LoadedProjection](capacity=capacity)

    async def get(self, embedding_config_id: UUID) -> LoadedProjection:
        """Give the fit of a recipe.

        Raises
        ------
        NoProjectionError
            If it has none.
        ArtifactNotFoundError, ProjectionDamagedError, InvalidProjectionFileError
            If its file is gone, another one, or no fit.
        """
        return await self._kept.get(embedding_config_id, partial(self._load, embedding_config_id))

    async def fit_once(
        self, selection: ReferenceSelection, version: ReferenceVersion, ontology: StoredOntology
    ) -> LoadedProjection:
        """Give the fit of a recipe, made from these references if it has none; of two at once, one stays."""
        config_id = selection.embedding_config_id
        async with self._unit_of_work() as work:
            stored = await ProjectionStore(work.session).find(config_id)
        if stored is None:
            references = await self._banks.get(selection, version, ontology)
            projection = await self._run(partial(fit_projection, references.bank.vectors, seed=_SEED))
            await self._keep(projection, references.bank, selection, version)
        return await self.get(config_id)

    async def _keep(
        self, projection: Projection, bank: ReferenceBank, selection: ReferenceSelection, version: ReferenceVersion
    ) -> None:
        """Write the file, then the row that names it; the file goes again if another fit was quicker."""
        content = write_projection(projection)
        digest = sha256(content).hexdigest()
        key = f"projections/{selection.embedding_config_id}/{digest}.npz"
        new = StoredProjection(
            embedding_config_id=selection.embedding_config_id,
            annotation_set_id=selection.annotation_set_id,
            reference_digest=bank_digest(selection, version),
            artifact_uri=await self._artifacts.put(key, content),
            content_sha256=digest,
            dimension=len(projection.mean),
            component_count=len(projection.components),
            vector_count=min(len(bank.vectors), SAMPLE),
            solver=SOLVER,
            seed=_SEED,
        )
        async with self._unit_of_work() as work:
            store = ProjectionStore(work.session)
            await store.add(new)
            kept = await store.find(new.embedding_config_id)
        if kept is not None and kept.content_sha256 != digest:
            await self._artifacts.delete(key)

    async def _load(self, embedding_config_id: UUID) -> LoadedProjection:
        async with self._unit_of_work() as work:
            stored = await ProjectionStore(work.session).find(embedding_config_id)
        if stored is None:
            raise NoProjectionError(
                f"Recipe {embedding_config_id} has no fit of principal components, so that features of the family "
                "emb_pca mean nothing. Export a dataset with compute_embedding_pca, which makes the fit, or leave "
                "compute_embedding_pca out."
            )
        content = await self._artifacts.get(self._artifacts.key_from_uri(stored.artifact_uri))
        if sha256(content).hexdigest() != stored.content_sha256:
            raise ProjectionDamagedError(
                f"The file of the principal components of recipe {embedding_config_id} is not the one that was "
                "written; restore it from a backup."
            )
        return LoadedProjection(stored, read_projection(content))

    async def _run(self, compute: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, compute)
