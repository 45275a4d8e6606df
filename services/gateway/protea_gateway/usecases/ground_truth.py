"""The files of an evaluation set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.storage import ArtifactStore
from protea_gateway.adapters.storage.evaluations import EvaluationStore
from protea_gateway.domain.errors import NotFoundError

__all__ = ["GROUND_TRUTH_FILES", "DeleteEvaluationSet", "ReadGroundTruth", "ReadReport"]

GROUND_TRUTH_FILES: Final = (
    "ground-truth-NK.tsv",
    "ground-truth-LK.tsv",
    "ground-truth-PK.tsv",
    "known-terms.tsv",
    "ground-truth.parquet",
)
"""What the evaluator keeps in a set's folder of the artifact store."""


class ReadGroundTruth:
    """Reads one file of an evaluation set."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts

    async def __call__(self, set_id: UUID, filename: str) -> AsyncIterator[bytes]:
        """Give the file's bytes.

        Raises
        ------
        NotFoundError
            If there is no such set.
        ArtifactNotFoundError
            If the set's files are gone.
        """
        async with self._unit_of_work() as work:
            folder = (await EvaluationStore(work.session).get(set_id)).groundtruth_uri
        if folder is None:
            raise NotFoundError("ground truth of evaluation set", set_id)
        return _whole(await self._artifacts.get(f"{self._artifacts.key_from_uri(folder)}/{filename}"))


class ReadReport:
    """Reads the report of a result."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts

    async def __call__(self, set_id: UUID, result_id: UUID) -> AsyncIterator[bytes]:
        """Give the file's bytes.

        Raises
        ------
        NotFoundError
            If the set has no such result.
        ArtifactNotFoundError
            If no report was written yet.
        """
        async with self._unit_of_work() as work:
            await EvaluationStore(work.session).get_result(set_id, result_id)
        return _whole(await self._artifacts.get(f"evaluations/results/{result_id}/report.html"))


class DeleteEvaluationSet:
    """Deletes an evaluation set, then its files: files without a set do no harm, a set without files would."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts

    async def __call__(self, set_id: UUID) -> None:
        """Delete, or raise `NotFoundError`."""
        async with self._unit_of_work() as work:
            store = EvaluationStore(work.session)
            folder = (await store.get(set_id)).groundtruth_uri
            await store.delete(set_id)
        if folder is not None:
            for filename in GROUND_TRUTH_FILES:
                await self._artifacts.delete(f"{self._artifacts.key_from_uri(folder)}/{filename}")


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
