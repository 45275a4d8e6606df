"""Splitting a result by kinds of proteins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

from protea_common.db import UnitOfWork
from protea_common.jobs import JobClaim, finish_job
from protea_common.operations import StratifyEvaluation
from protea_common.storage import ArtifactStore
from protea_evaluator.adapters.counts_table import CellKey, StoredCell
from protea_evaluator.adapters.protein_facts import ProteinFacts
from protea_evaluator.adapters.strata_table import strata_table
from protea_evaluator.domain.strata import homology_band, length_band, pool
from protea_evaluator.usecases.stored_result import StoredResult, StoredResultReader

__all__ = ["StratifyResult"]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the proteins are sorted by."""

    lengths: Mapping[str, int]
    identities: Mapping[str, float]

    def labels(self, key: CellKey, accession: str, axes: tuple[str, ...]) -> tuple[str, ...]:
        category, aspect, _ = key
        bands = {
            "category": category.value,
            "aspect": aspect.cafa,
            "length": length_band(self.lengths.get(accession)),
            "homology": homology_band(self.identities.get(accession)),
        }
        return tuple(bands[axis] for axis in axes)


class StratifyResult:
    """Use case of ``stratify_evaluation``.

    Cells are never pooled with each other: a stratum's category and aspect are named even where they are no axes.
    """

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

    async def __call__(self, claim: JobClaim) -> None:
        """Read the result and what is known of its proteins, pool, keep the table."""
        request = StratifyEvaluation.read(claim.payload, operation=claim.operation)
        stored = await self._reader.read(request.evaluation_result_id)
        facts = await self._read_facts(stored)
        compute = partial(_stratify, stored.cells, facts, request)
        rows = await asyncio.get_running_loop().run_in_executor(self._executor, compute)
        key = f"evaluations/results/{request.evaluation_result_id}/strata.parquet"
        uri = await self._artifacts.put(key, strata_table(rows))
        result = {
            "evaluation_result_id": str(request.evaluation_result_id),
            "frame": dict(stored.frame),
            "strata_uri": uri,
            "strata": rows,
        }
        async with self._unit_of_work() as work:
            await finish_job(work, claim, result=result)

    async def _read_facts(self, stored: StoredResult) -> _Facts:
        accessions = sorted({accession for cell in stored.cells.values() for accession in cell.accessions})
        async with self._unit_of_work() as work:
            facts = ProteinFacts(work.session)
            return _Facts(
                await facts.lengths(accessions),
                await facts.identities(stored.result.prediction_set_id, accessions),
            )


def _stratify(cells: Mapping[CellKey, StoredCell], facts: _Facts, request: StratifyEvaluation) -> list[dict[str, Any]]:
    return [row for key, cell in cells.items() for row in _rows(key, cell, facts, request)]


def _rows(key: CellKey, cell: StoredCell, facts: _Facts, request: StratifyEvaluation) -> Iterator[dict[str, Any]]:
    category, aspect, weighting = key
    labels = [facts.labels(key, accession, request.axes) for accession in cell.accessions]
    for stratum in pool(cell.counts, labels, min_population=request.min_population):
        yield {
            "weighting": weighting.value,
            "category": category.value,
            "aspect": aspect.cafa,
            **dict(zip(request.axes, stratum.labels, strict=True)),
            "n_proteins": stratum.n_proteins,
            "precision": stratum.precision,
            "recall": stratum.recall,
            "micro_f": stratum.micro_f,
            "is_reportable": stratum.is_reportable,
        }
