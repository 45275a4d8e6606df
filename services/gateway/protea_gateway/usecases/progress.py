"""How far an annotation run has come, as numbers and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from protea_common.orm import JobStatus

__all__ = ["Progress", "Step", "describe_stage", "overall_progress"]

_DOING: Final = {"compute_embeddings": "embedding the sequences", "predict_go_terms": "predicting GO terms"}


@dataclass(frozen=True, slots=True)
class Progress:
    """Units done and in all.

    Attributes
    ----------
    current, total
        Units of the step that runs; ``None`` while unknown.
    fraction
        Of the whole run, in [0, 1].
    """

    current: int | None
    total: int | None
    fraction: float


@dataclass(frozen=True, slots=True)
class Step:
    """One job of a run."""

    job_id: UUID
    operation: str
    status: JobStatus
    current: int | None
    total: int | None

    @property
    def progress(self) -> Progress:
        """How far this step alone has come."""
        return Progress(self.current, self.total, round(self._fraction, 4))

    @property
    def _fraction(self) -> float:
        if self.status is JobStatus.SUCCEEDED:
            return 1.0
        return min(1.0, (self.current or 0) / self.total) if self.total else 0.0


def overall_progress(steps: Sequence[Step]) -> Progress:
    """Progress of a run whose steps, in order, count alike."""
    running = _first_unfinished(steps)
    done = sum(step.progress.fraction for step in steps) / len(steps) if steps else 0.0
    return Progress(running.current if running else None, running.total if running else None, round(done, 4))


def describe_stage(status: JobStatus, steps: Sequence[Step]) -> str:
    """Say in a few words what a run is doing."""
    step = _first_unfinished(steps)
    doing = _DOING.get(step.operation, step.operation) if step else "finishing"
    match status:
        case JobStatus.SUCCEEDED:
            return "done"
        case JobStatus.CANCELLED:
            return "cancelled"
        case JobStatus.FAILED:
            return f"failed while {doing}"
        case JobStatus.QUEUED | JobStatus.RUNNING:
            if step is None or step.status is JobStatus.RUNNING:
                return doing
            return f"waiting for a worker, then {doing}"


def _first_unfinished(steps: Sequence[Step]) -> Step | None:
    return next((step for step in steps if step.status is not JobStatus.SUCCEEDED), None)
