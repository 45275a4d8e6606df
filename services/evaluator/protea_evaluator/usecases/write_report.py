"""A result as a report in one file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from protea_common.db import UnitOfWork
from protea_common.jobs import JobClaim, finish_job
from protea_common.operations import WriteEvaluationReport
from protea_common.storage import ArtifactStore
from protea_evaluator.adapters.counts_table import CellKey, StoredCell
from protea_evaluator.adapters.protein_facts import ProteinFacts
from protea_evaluator.adapters.storage import EvaluationResult
from protea_evaluator.domain.measurement import Weighting
from protea_evaluator.domain.measures.curve import draw_curve
from protea_evaluator.domain.measures.sums import sum_counts
from protea_evaluator.domain.recipe import Normalisation
from protea_evaluator.domain.reliability import reliability
from protea_evaluator.domain.report import CellReport, Report, write_report
from protea_evaluator.domain.results import SMALLEST_COHORT
from protea_evaluator.domain.strata import homology_band, length_band, pool
from protea_evaluator.usecases.stored_result import StoredResult, StoredResultReader

__all__ = ["KeepReport"]


class KeepReport:
    """Use case of ``write_evaluation_report``; it keeps ``report.html`` beside the result."""

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
        """Read the result, draw, keep the file."""
        request = WriteEvaluationReport.read(claim.payload, operation=claim.operation)
        stored = await self._reader.read(request.evaluation_result_id)
        accessions = sorted({accession for cell in stored.cells.values() for accession in cell.accessions})
        async with self._unit_of_work() as work:
            facts = ProteinFacts(work.session)
            lengths = await facts.lengths(accessions)
            identities = await facts.identities(stored.result.prediction_set_id, accessions)
        write = partial(_write, stored, request.title, lengths, identities)
        text = await asyncio.get_running_loop().run_in_executor(self._executor, write)
        key = f"evaluations/results/{stored.result.id}/report.html"
        uri = await self._artifacts.put(key, text.encode())
        async with self._unit_of_work() as work:
            result = {
                "evaluation_result_id": str(stored.result.id),
                "evaluation_set_id": str(stored.result.evaluation_set_id),
                "report_uri": uri,
            }
            await finish_job(work, claim, result=result)


def _write(stored: StoredResult, title: str, lengths: dict[str, int], identities: dict[str, float]) -> str:
    result = stored.result
    bands = _Bands(lengths, identities)
    cells = [_cell(key, cell, result, bands) for key, cell in stored.cells.items() if key[2] is Weighting.UNWEIGHTED]
    identifiers = {
        "evaluation result": str(result.id),
        "evaluation set": str(result.evaluation_set_id),
        "prediction set": str(result.prediction_set_id),
    }
    return write_report(Report(title, identifiers, result.evaluator, cells))


@dataclass(frozen=True, slots=True)
class _Bands:
    """What proteins are sorted by; see `ProteinFacts`."""

    lengths: Mapping[str, int]
    identities: Mapping[str, float]

    def of(self, accessions: Sequence[str]) -> dict[str, list[tuple[str, ...]]]:
        """Give each protein's band, by axis."""
        return {
            "length": [(length_band(self.lengths.get(name)),) for name in accessions],
            "homology": [(homology_band(self.identities.get(name)),) for name in accessions],
        }


def _cell(key: CellKey, cell: StoredCell, result: EvaluationResult, bands: _Bands) -> CellReport:
    category, aspect, _ = key
    normalisation = Normalisation(result.evaluator["recipe"]["normalisation"])
    return CellReport(
        category=category.value,
        aspect=aspect.cafa,
        figures=result.results[category.value][aspect.cafa],
        curve=draw_curve(sum_counts(cell.counts), normalisation),
        reliability=reliability(cell.counts),
        strata={
            axis: pool(cell.counts, labels, min_population=SMALLEST_COHORT)
            for axis, labels in bands.of(cell.accessions).items()
        },
    )
