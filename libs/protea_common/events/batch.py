"""What all batches of work have in common; the services' batch events add what they count."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from protea_common.events.envelope import Event

__all__ = ["BatchDone", "BatchEvent", "BatchFailed", "BatchRequested"]


class BatchEvent(Event):
    """An event about one batch of a job."""

    job_id: UUID = Field(description="Job that the batch belongs to.")
    batch_index: int = Field(ge=0, description="Position of the batch in its job, from 0.")


class BatchRequested(BatchEvent):
    """A batch waits for a worker."""


class BatchDone(BatchEvent):
    """A worker finished the batch and its rows are committed."""

    seconds: float = Field(ge=0, description="Time from claim to commit.")


class BatchFailed(BatchEvent):
    """The batch will not be tried again."""

    error_code: str = Field(description="Class of the error.")
    error_message: str = Field(description="What was wrong and what to do.")
