"""Splitting a result by kinds of proteins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from protea_common.jobs import JobClaim
from protea_common.operations import StratifyEvaluation
from protea_evaluator.adapters.counts_table import CellKey, StoredCell
from protea_evaluator.adapters.strata_table import strata_table
from protea_evaluator.domain.strata import pool
from protea_evaluator.usecases.result_use_case import ProteinBands, ResultUseCase

__all__ = ["StratifyResult"]


class StratifyResult(ResultUseCase):
    """Use case of ``stratify_evaluation``.

    Cells are never pooled with each other: a stratum's category and aspect are named even where they are no axes.
    """

    async def __call__(self, claim: JobClaim) -> None:
        """Read the result and what is known of its proteins, pool, keep the table."""
        request = StratifyEvaluation.read(claim.payload, operation=claim.operation)
        stored = await self._reader.read(request.evaluation_result_id)
        rows = await self._compute(_stratify, stored.cells, await self._read_bands(stored), request)
        key = f"evaluations/results/{request.evaluation_result_id}/strata.parquet"
        uri = await self._artifacts.put(key, strata_table(rows))
        result = {
            "evaluation_result_id": str(request.evaluation_result_id),
            "frame": dict(stored.frame),
            "strata_uri": uri,
            "strata": rows,
        }
        await self._end(claim, result)


def _stratify(
    cells: Mapping[CellKey, StoredCell], bands: ProteinBands, request: StratifyEvaluation
) -> list[dict[str, Any]]:
    return [row for key, cell in cells.items() for row in _rows(key, cell, bands, request)]


def _rows(key: CellKey, cell: StoredCell, bands: ProteinBands, request: StratifyEvaluation) -> Iterator[dict[str, Any]]:
    category, aspect, weighting = key
    same = {"category": category.value, "aspect": aspect.cafa}
    labels = [tuple((same | bands.of(accession))[axis] for axis in request.axes) for accession in cell.accessions]
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
