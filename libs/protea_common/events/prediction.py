"""Events of the predictor."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from protea_common.events.batch import BatchDone, BatchFailed, BatchRequested

__all__ = ["PredictionsBatchDone", "PredictionsBatchFailed", "PredictionsBatchRequested"]


class PredictionsBatchRequested(BatchRequested):
    """A batch of query proteins waits for a predictor worker."""

    type: ClassVar[str] = "predictions.batch.requested"
    prediction_set_id: UUID = Field(description="Set that the predictions go into.")
    queries: int = Field(ge=0, description="Query proteins in the batch.")


class PredictionsBatchDone(BatchDone):
    """The predictions of a batch are in the database."""

    type: ClassVar[str] = "predictions.batch.done"
    prediction_set_id: UUID = Field(description="Set that the predictions went into.")
    queries: int = Field(ge=0, description="Query proteins answered.")
    predictions: int = Field(ge=0, description="GO terms predicted, one row per protein and term.")


class PredictionsBatchFailed(BatchFailed):
    """A batch of query proteins could not be predicted."""

    type: ClassVar[str] = "predictions.batch.failed"
