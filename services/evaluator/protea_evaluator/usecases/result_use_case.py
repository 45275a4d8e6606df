"""What the use cases that make something of a stored result have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar

from protea_common.db import UnitOfWork
from protea_common.jobs import JobClaim, finish_job
from protea_common.storage import ArtifactStore
from protea_evaluator.adapters.protein_facts import ProteinFacts
from protea_evaluator.domain.strata import homology_band, length_band
from protea_evaluator.usecases.stored_result import StoredResult, StoredResultReader

__all__ = ["ProteinBands", "ResultUseCase"]

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProteinBands:
    """What proteins are sorted by; see `ProteinFacts`."""

    lengths: Mapping[str, int]
    identities: Mapping[str, float]

    def of(self, accession: str) -> dict[str, str]:
        """Give a protein's band on each axis."""
        return {
            "length": length_band(self.lengths.get(accession)),
            "homology": homology_band(self.identities.get(accession)),
        }


class ResultUseCase:
    """Reads a result with its cells, computes elsewhere, and ends its job."""

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        reader: StoredResultReader,
        artifacts: ArtifactStore,
        executor: Executor,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._reader = reader
        self._artifacts = artifacts
        self._executor = executor

    async def _compute(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Compute where the executor does, so that the event loop goes on."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, partial(function, *args, **kwargs))

    async def _read_bands(self, stored: StoredResult) -> ProteinBands:
        accessions = sorted({accession for cell in stored.cells.values() for accession in cell.accessions})
        async with self._unit_of_work() as work:
            facts = ProteinFacts(work.session)
            return ProteinBands(
                await facts.lengths(accessions), await facts.identities(stored.result.prediction_set_id, accessions)
            )

    async def _end(self, claim: JobClaim, result: dict[str, Any]) -> None:
        async with self._unit_of_work() as work:
            await finish_job(work, claim, result=result)
