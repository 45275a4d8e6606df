"""What the evaluator said of each method: nine cells, differences with their intervals, and calibration errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accuracy_jobs import Jobs
from accuracy_windows import Window

from protea_common.domain.ontology import ASPECTS
from protea_evaluator.domain.knowledge import Category

__all__ = ["CELLS", "MEASURES", "Difference", "Measured", "calibration_errors", "gains", "read_measured"]

CELLS = [(category.value, aspect.cafa) for category in Category for aspect in ASPECTS]
MEASURES = {"fmax": "unweighted", "weighted_fmax": "weighted"}
"""Name of each measure, and the weighting of its comparison."""

_RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Measured:
    """A method's evaluation result.

    Attributes
    ----------
    figures
        Fmax and weighted Fmax by cell, 0 where nothing was predicted; by the names of `MEASURES`.
    cohorts
        Proteins of each cell.
    """

    result_id: str
    figures: Mapping[str, Mapping[tuple[str, str], float]]
    cohorts: Mapping[tuple[str, str], int]
    cells: Mapping[tuple[str, str], Mapping[str, Any]]

    def mean(self, measure: str) -> float:
        """Mean of the nine cells."""
        return sum(self.figures[measure].values()) / len(CELLS)


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much a method is ahead in a cell, with its paired 95 % interval."""

    estimate: float
    low: float
    high: float


async def read_measured(jobs: Jobs, window: Window, result_id: str) -> Measured:
    """Read a result."""
    rows = await jobs.client.get(f"/v1/annotations/evaluation-sets/{window.evaluation_set_id}/results")
    results = next(row["results"] for row in rows if row["id"] == result_id)
    cells = {(category, aspect): results.get(category, {}).get(aspect, {}) for category, aspect in CELLS}
    return Measured(
        result_id,
        {
            "fmax": {name: cell.get("fmax", 0.0) for name, cell in cells.items()},
            "weighted_fmax": {name: cell.get("weighted", {}).get("fmax", 0.0) for name, cell in cells.items()},
        },
        {name: cell.get("cohort", 0) for name, cell in cells.items()},
        cells,
    )


async def gains(
    jobs: Jobs, ours: Measured, others: Sequence[Measured], *, title: str
) -> dict[str, dict[tuple[str, str], Difference]]:
    """Compare a method with the best of others in each cell, for each measure."""
    found: dict[str, dict[tuple[str, str], Difference]] = {}
    for measure, weighting in MEASURES.items():
        tables = [await _compared(jobs, ours, other, weighting, title=title) for other in others]
        found[measure] = {}
        for name in CELLS:
            best = max(range(len(others)), key=lambda number: others[number].figures[measure][name])
            cell = tables[best].get(name[0], {}).get(name[1])
            if cell is not None:
                found[measure][name] = Difference(cell["difference"], cell["low"], cell["high"])
    return found


async def _compared(jobs: Jobs, ours: Measured, theirs: Measured, weighting: str, *, title: str) -> Mapping[str, Any]:
    payload = {
        "evaluation_result_id": ours.result_id,
        "baseline_evaluation_result_id": theirs.result_id,
        "weighting": weighting,
        "n_resamples": _RESAMPLES,
    }
    cells: Mapping[str, Any] = (await jobs.run(f"comparison, {title}", "compare_evaluations", payload))["cells"]
    return cells


def calibration_errors(measured: Measured, *, of_all: bool) -> dict[str, float]:
    """Give the expected calibration error of each aspect: the bins of its three cells taken together.

    Of all stored predictions, or of those alone that reach the first threshold.
    """
    errors = {}
    for aspect in ASPECTS:
        bins: dict[int, list[Mapping[str, float]]] = {}
        for category in Category:
            for one in _bins(measured.cells[category.value, aspect.cafa].get("reliability", {}), of_all=of_all):
                bins.setdefault(min(int(one["score"] * 10), 9), []).append(one)
        total = sum(one["n_predictions"] for ones in bins.values() for one in ones)
        if total:
            errors[aspect.cafa] = sum(abs(_surplus(ones)) for ones in bins.values()) / total
    return errors


def _bins(reliability: Mapping[str, Any], *, of_all: bool) -> list[Mapping[str, float]]:
    below = reliability.get("below") if of_all else None
    return [*reliability.get("bins", []), *([] if below is None else [below])]


def _surplus(bins: Sequence[Mapping[str, float]]) -> float:
    """By how many predictions more was promised than came true."""
    return sum((one["score"] - one["observed"]) * one["n_predictions"] for one in bins)
