"""A result as a report in one file."""

from __future__ import annotations

from protea_common.jobs import JobClaim
from protea_common.operations import WriteEvaluationReport
from protea_evaluator.adapters.counts_table import CellKey, StoredCell
from protea_evaluator.adapters.storage import EvaluationResult
from protea_evaluator.domain.measurement import Weighting
from protea_evaluator.domain.measures.curve import draw_curve
from protea_evaluator.domain.measures.sums import sum_counts
from protea_evaluator.domain.recipe import Normalisation
from protea_evaluator.domain.reliability import reliability
from protea_evaluator.domain.report import CellReport, Report, write_report
from protea_evaluator.domain.results import SMALLEST_COHORT
from protea_evaluator.domain.strata import pool
from protea_evaluator.usecases.result_use_case import ProteinBands, ResultUseCase
from protea_evaluator.usecases.stored_result import StoredResult

__all__ = ["KeepReport"]


class KeepReport(ResultUseCase):
    """Use case of ``write_evaluation_report``; it keeps ``report.html`` beside the result."""

    async def __call__(self, claim: JobClaim) -> None:
        """Read the result, draw, keep the file."""
        request = WriteEvaluationReport.read(claim.payload, operation=claim.operation)
        stored = await self._reader.read(request.evaluation_result_id)
        text = await self._compute(_write, stored, request.title, await self._read_bands(stored))
        key = f"evaluations/results/{stored.result.id}/report.html"
        uri = await self._artifacts.put(key, text.encode())
        result = {
            "evaluation_result_id": str(stored.result.id),
            "evaluation_set_id": str(stored.result.evaluation_set_id),
            "report_uri": uri,
        }
        await self._end(claim, result)


def _write(stored: StoredResult, title: str, bands: ProteinBands) -> str:
    result = stored.result
    cells = [_cell(key, cell, result, bands) for key, cell in stored.cells.items() if key[2] is Weighting.UNWEIGHTED]
    identifiers = {
        "evaluation result": str(result.id),
        "evaluation set": str(result.evaluation_set_id),
        "prediction set": str(result.prediction_set_id),
    }
    return write_report(Report(title, identifiers, result.evaluator, cells))


def _cell(key: CellKey, cell: StoredCell, result: EvaluationResult, bands: ProteinBands) -> CellReport:
    category, aspect, _ = key
    normalisation = Normalisation(result.evaluator["recipe"]["normalisation"])
    return CellReport(
        category=category.value,
        aspect=aspect.cafa,
        figures=result.results[category.value][aspect.cafa],
        curve=draw_curve(sum_counts(cell.counts), normalisation),
        reliability=reliability(cell.counts),
        strata={
            axis: pool(
                cell.counts, [(bands.of(name)[axis],) for name in cell.accessions], min_population=SMALLEST_COHORT
            )
            for axis in ("length", "homology")
        },
    )
