"""A stored result with what was counted for each of its proteins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.storage import ArtifactNotFoundError, ArtifactStore
from protea_evaluator.adapters.counts_table import COUNTS_FILE, PROTEINS_FILE, CellKey, StoredCell, read_cells
from protea_evaluator.adapters.storage import EvaluationResult, EvaluationResultStore
from protea_evaluator.domain.measures.sums import grid

__all__ = ["NoProteinFiguresError", "StoredResult", "StoredResultReader", "UnstampedResultError"]


class UnstampedResultError(PermanentError):
    """The result does not say how its figures came about, so nothing can be told from it."""

    slug: ClassVar[str] = "result-unstamped"
    status: ClassVar[int] = 409


class NoProteinFiguresError(PermanentError):
    """Nothing was kept about the single proteins of the result."""

    slug: ClassVar[str] = "no-protein-figures"
    status: ClassVar[int] = 409


@dataclass(frozen=True, slots=True, eq=False)
class StoredResult:
    """A result and its cells."""

    result: EvaluationResult
    cells: Mapping[CellKey, StoredCell]

    @property
    def frame(self) -> Mapping[str, str]:
        """Name and digest of its frame."""
        frame: Mapping[str, str] = self.result.evaluator["frame"]
        return frame


class StoredResultReader:
    """Reads results back."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore, executor: Executor) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts
        self._executor = executor

    async def stamped(self, evaluation_result_id: UUID) -> EvaluationResult:
        """Read a result that says how it was measured.

        Raises
        ------
        EvaluationResultNotFoundError
            If there is none.
        UnstampedResultError
            If it has no frame: it was measured by an earlier version.
        """
        async with self._unit_of_work() as work:
            result = await EvaluationResultStore(work.session).get(evaluation_result_id)
        if "frame" not in result.evaluator:
            raise UnstampedResultError(
                f"The result {evaluation_result_id} does not say in which frame it was measured; measure again."
            )
        return result

    async def read(self, evaluation_result_id: UUID) -> StoredResult:
        """Read a result with its cells; failures as with `stamped`, and one more.

        Raises
        ------
        NoProteinFiguresError
            If its engine does not count by protein, or the files are gone.
        """
        result = await self.stamped(evaluation_result_id)
        folder = f"evaluations/results/{evaluation_result_id}"
        try:
            proteins = await self._artifacts.get(f"{folder}/{PROTEINS_FILE}")
            counts = await self._artifacts.get(f"{folder}/{COUNTS_FILE}")
        except ArtifactNotFoundError as exc:
            raise NoProteinFiguresError(
                f"The result {evaluation_result_id} has no figures of single proteins; measure again with "
                "engine=protea."
            ) from exc
        thresholds = grid(result.evaluator["recipe"]["threshold_step"])
        loop = asyncio.get_running_loop()
        cells = await loop.run_in_executor(self._executor, read_cells, proteins, counts, thresholds)
        return StoredResult(result, cells)
