"""Table ``dataset``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.errors import PermanentError
from protea_common.orm import Dataset
from protea_predictor.adapters.storage.inputs import NotFoundError

__all__ = ["DatasetNameTakenError", "DatasetStore", "NewDataset", "StoredDataset"]


class DatasetNameTakenError(PermanentError):
    """There is a dataset of this name; datasets are never written over."""

    slug: ClassVar[str] = "dataset-name-taken"
    status: ClassVar[int] = 409

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a dataset {name!r} already; choose another output_name.")
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDataset:
    """Columns of a dataset's row."""

    id: UUID
    name: str
    operation: str
    job_id: UUID
    storage_backend: str
    key_prefix: str
    train_uri: str
    eval_uri: str | None
    manifest_uri: str
    schema_sha: str
    schema_sha_v2: str
    manifest_sha: str
    n_train_rows: int
    n_eval_rows: int
    k: int
    annotation_source: str
    embedding_config_id: UUID
    ontology_snapshot_id: UUID
    train_snapshot_pairs: Sequence[str]
    eval_snapshot_pair: str | None
    producer_version: str
    producer_git_sha: str | None
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredDataset:
    """What training needs to know of a dataset."""

    id: UUID
    name: str
    manifest_uri: str
    manifest_sha: str | None
    embedding_config_id: UUID | None
    ontology_snapshot_id: UUID | None


class DatasetStore:
    """Rows are written once all files are in the artifact store, and never change."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def require_free(self, name: str) -> None:
        """Refuse a name that is taken.

        Raises
        ------
        DatasetNameTakenError
            If there is a dataset of this name.
        """
        if await self._session.scalar(select(Dataset.id).where(Dataset.name == name)) is not None:
            raise DatasetNameTakenError(name)

    async def add(self, new: NewDataset) -> None:
        """Write a dataset.

        Raises
        ------
        DatasetNameTakenError
            If another job took the name meanwhile.
        """
        statement = upsert(Dataset).values(**asdict(new)).on_conflict_do_nothing().returning(Dataset.id)
        if await self._session.scalar(statement) is None:
            raise DatasetNameTakenError(new.name)

    async def read(self, dataset_id: UUID) -> StoredDataset:
        """Read a dataset.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        columns = select(
            Dataset.id,
            Dataset.name,
            Dataset.manifest_uri,
            Dataset.manifest_sha,
            Dataset.embedding_config_id,
            Dataset.ontology_snapshot_id,
        )
        row = (await self._session.execute(columns.where(Dataset.id == dataset_id))).one_or_none()
        if row is None:
            raise NotFoundError("dataset", dataset_id)
        return StoredDataset(*row)
