"""Comparing two results, cell by cell, on the same draws of the same proteins."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from uuid import UUID

from protea_common.errors import PermanentError
from protea_common.jobs import JobClaim, report_progress
from protea_common.operations import CompareEvaluations
from protea_evaluator.adapters.counts_table import StoredCell
from protea_evaluator.adapters.storage import EvaluationResult
from protea_evaluator.domain.measurement import Weighting
from protea_evaluator.domain.recipe import Cohort, Normalisation
from protea_evaluator.domain.resampling.comparison import DifferentProteinsError, compare_paired
from protea_evaluator.domain.resampling.fmax import ProteinTable
from protea_evaluator.domain.results import is_too_small
from protea_evaluator.domain.verdict import judge
from protea_evaluator.usecases.result_use_case import ResultUseCase
from protea_evaluator.usecases.stored_result import StoredResult

__all__ = ["CompareResults", "DifferentFramesError", "NotResampledError", "SameResultError"]


class SameResultError(PermanentError):
    """A result is compared with itself."""

    slug: ClassVar[str] = "same-result"


class DifferentFramesError(PermanentError):
    """Two results were not measured in the same way on the same ground truth, so their figures do not compare."""

    slug: ClassVar[str] = "different-frames"
    status: ClassVar[int] = 409


class NotResampledError(PermanentError):
    """Results of this recipe cannot be resampled."""

    slug: ClassVar[str] = "not-resampled"
    status: ClassVar[int] = 409


class CompareResults(ResultUseCase):
    """Use case of ``compare_evaluations``; it changes nothing but the job, and keeps a file of what it found."""

    async def __call__(self, claim: JobClaim) -> None:
        """Read both, compare each cell that both have, keep the table."""
        request = CompareEvaluations.read(claim.payload, operation=claim.operation)
        ours, theirs = await self._read(request)
        pairs = list(_shared_cells(ours, theirs, Weighting(request.weighting)))
        cells: dict[str, dict[str, Any]] = {}
        for step, (category, aspect, ours_there, theirs_there) in enumerate(pairs, start=1):
            found = await self._compute(_compare, ours_there, theirs_there, request)
            cells.setdefault(category, {})[aspect] = found
            async with self._unit_of_work() as work:
                await report_progress(work, claim.job_id, current=step, total=len(pairs))
        table = _table(request, ours, cells)
        baseline = request.baseline_evaluation_result_id
        key = f"evaluations/results/{request.evaluation_result_id}/comparison-{baseline}.json"
        await self._artifacts.put(key, json.dumps(table, indent=2).encode())
        await self._end(claim, table)

    async def _read(self, request: CompareEvaluations) -> tuple[StoredResult, StoredResult]:
        if request.evaluation_result_id == request.baseline_evaluation_result_id:
            raise SameResultError(f"Both results are {request.evaluation_result_id}; give two.")
        both = (request.evaluation_result_id, request.baseline_evaluation_result_id)
        _require_one_frame(*[await self._reader.stamped(each) for each in both])
        ours, theirs = [await self._reader.read(each) for each in both]
        return ours, theirs


def _require_one_frame(ours: EvaluationResult, theirs: EvaluationResult) -> None:
    if ours.evaluator["frame"]["digest"] != theirs.evaluator["frame"]["digest"]:
        differing = [
            name
            for name in sorted(set(ours.evaluator) | set(theirs.evaluator))
            if name in _FRAME_PARTS and ours.evaluator.get(name) != theirs.evaluator.get(name)
        ]
        if ours.evaluation_set_id != theirs.evaluation_set_id:
            differing.append("evaluation_set_id")
        raise DifferentFramesError(
            f"The results {ours.id} and {theirs.id} differ in {', '.join(differing)}; measure both in "
            "the same way on the same evaluation set."
        )
    recipe = ours.evaluator["recipe"]
    if recipe["normalisation"] != Normalisation.CAFA or recipe["cohort"] == Cohort.MIXED:
        raise NotResampledError(
            "Resamples take averages as CAFA does, over proteins that have a truth; measure both with "
            "normalisation=cafa and a cohort other than mixed."
        )


_FRAME_PARTS = frozenset(
    {
        "engine",
        "version",
        "recipe",
        "pk_rule",
        "ontology_sha256",
        "is_pivoted",
        "drops_binding_only",
        "information_accretion",
        "information_accretion_sha256",
        "terms_of_interest_sha256",
    }
)


def _shared_cells(
    ours: StoredResult, theirs: StoredResult, weighting: Weighting
) -> Iterator[tuple[str, str, StoredCell, StoredCell]]:
    """Give the cells that both results have; one without any prediction was not measured."""
    for key, cell in ours.cells.items():
        category, aspect, its_weighting = key
        if its_weighting is weighting and key in theirs.cells:
            other = theirs.cells[key]
            if cell.accessions != other.accessions:
                raise DifferentProteinsError(len(cell.accessions), len(other.accessions))
            yield category.value, aspect.cafa, cell, other


def _compare(ours: StoredCell, theirs: StoredCell, request: CompareEvaluations) -> dict[str, Any]:
    compared = compare_paired(
        ProteinTable.of(ours.counts),
        ProteinTable.of(theirs.counts),
        n_samples=request.n_resamples,
        seed=request.seed,
        confidence=request.confidence,
        power=request.power,
    )
    interval = compared.difference
    return {
        "difference": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "interval": interval.method.value,
        "minimum_detectable_effect": compared.minimum_detectable_effect,
        "n_proteins": len(ours.accessions),
        "is_small": is_too_small(len(ours.accessions)),
        "verdict": judge(interval, effect_of_interest=request.effect_of_interest).value,
    }


def _table(request: CompareEvaluations, ours: StoredResult, cells: Mapping[str, Any]) -> dict[str, Any]:
    choices = request.model_dump(mode="json", exclude={"evaluation_result_id", "baseline_evaluation_result_id"})
    return {
        "evaluation_result_id": _text(request.evaluation_result_id),
        "baseline_evaluation_result_id": _text(request.baseline_evaluation_result_id),
        "measure": "fmax" if request.weighting == "unweighted" else "weighted_fmax",
        "frame": dict(ours.frame),
        **choices,
        "cells": cells,
    }


def _text(value: UUID) -> str:
    return str(value)
