"""Events in the life of a job."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from pydantic import Field

from protea_common.events.envelope import Event

__all__ = ["JobCancelled", "JobCreated", "JobFailed", "JobProgress", "JobStarted", "JobSucceeded"]


class _JobEvent(Event):
    job_id: UUID = Field(description="The job.")
    operation: str = Field(description="Name of its operation.")


class JobCreated(_JobEvent):
    """A job may be claimed by the owner of its operation."""

    type: ClassVar[str] = "job.created"

    @property
    def routing_key(self) -> str:
        """Add the operation, so that each owner hears only its own jobs."""
        return f"{self.type}.{self.operation}"


class JobStarted(_JobEvent):
    """A worker claimed the job."""

    type: ClassVar[str] = "job.started"
    attempt: int = Field(ge=1, description="Which try this is, from 1.")


class JobProgress(_JobEvent):
    """The job's progress moved."""

    type: ClassVar[str] = "job.progress"
    progress_current: int = Field(ge=0, description="Units done.")
    progress_total: int | None = Field(default=None, ge=0, description="Units in all; null while unknown.")


class _JobEnded(_JobEvent):
    seconds: float = Field(default=0.0, ge=0, description="Time from the first claim to the end.")


class JobSucceeded(_JobEnded):
    """The job ended with a result."""

    type: ClassVar[str] = "job.succeeded"
    result: dict[str, Any] = Field(default_factory=dict, description="Identifiers and counts of what was made.")


class JobFailed(_JobEnded):
    """The job ended with an error."""

    type: ClassVar[str] = "job.failed"
    error_code: str = Field(description="Class of the error.")
    error_message: str = Field(description="What was wrong and what to do.")


class JobCancelled(_JobEnded):
    """The job was cancelled before it ended."""

    type: ClassVar[str] = "job.cancelled"
    reason: str = Field(description="Who or what cancelled it.")
