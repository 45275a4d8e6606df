"""Where a job or an annotation stands, as the API tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

__all__ = ["AnnotationState", "JobState", "Progress"]

FINAL: Final = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})
"""Statuses that do not change any more."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far something is.

    Attributes
    ----------
    current, total
        Units done and in all; ``total`` is ``None`` while it is unknown.
    fraction
        In [0, 1]; ``None`` while it is unknown.
    """

    current: int
    total: int | None
    fraction: float | None

    @classmethod
    def of(cls, current: int | None, total: int | None) -> Self:
        """Make it of two counts, either of which may be missing."""
        done = current or 0
        return cls(done, total, min(done / total, 1.0) if total else None)


@dataclass(frozen=True, slots=True)
class JobState:
    """A job of ``GET /v1/jobs/{id}``."""

    status: str
    progress: Progress
    result: Mapping[str, Any]
    error: str | None

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Read the API's answer."""
        return cls(
            status=body["status"].upper(),
            progress=Progress.of(body["progress_current"], body["progress_total"]),
            result=body["result"] or {},
            error=body["error_message"] or body["error_code"],
        )

    @property
    def is_over(self) -> bool:
        """Whether it will not change any more."""
        return self.status in FINAL

    @property
    def has_succeeded(self) -> bool:
        """Whether it did what was asked."""
        return self.status == "SUCCEEDED"


@dataclass(frozen=True, slots=True)
class AnnotationState:
    """A run of the main job, of ``GET /v1/annotate/{job_id}``.

    Attributes
    ----------
    stage
        The step that runs, in the server's words.
    links
        Paths of what belongs to it by name, for example ``predictions_tsv``; ``None`` for what there is not yet.
    """

    job_id: str
    status: str
    stage: str
    progress: Progress
    prediction_set_id: str | None
    links: Mapping[str, str | None]
    error: str | None

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Read the API's answer."""
        progress = body["progress"]
        return cls(
            job_id=body["job_id"],
            status=body["status"].upper(),
            stage=body["stage"],
            progress=Progress(progress["current"] or 0, progress["total"], progress["fraction"]),
            prediction_set_id=body["prediction_set_id"],
            links=body["links"],
            error=_error_text(body["error"]),
        )

    @property
    def is_over(self) -> bool:
        """Whether it will not change any more."""
        return self.status in FINAL

    @property
    def has_succeeded(self) -> bool:
        """Whether it did what was asked."""
        return self.status == "SUCCEEDED"


def _error_text(error: Mapping[str, str | None] | None) -> str | None:
    return None if error is None else error["message"] or error["code"]
