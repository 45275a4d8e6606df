"""What the coordinator leaves for the workers, and the result that the last of them gives the job."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from protea_predictor.adapters.storage import JobTotals
from protea_predictor.domain.reference_bank import ReferenceVersion

__all__ = ["BatchPayload", "job_result"]


class BatchPayload(BaseModel):
    """Payload of a batch's row."""

    model_config = ConfigDict(frozen=True)

    prediction_set_id: UUID = Field(description="Set that the predictions go into.")
    scoring_config_id: UUID = Field(description="Recipe of the scores.")
    references: ReferenceVersion = Field(description="What all batches of the job are compared with.")
    entry_ids: tuple[int, ...] = Field(description="Query set entries of the batch.")
    is_aligned: bool = Field(default=False, description="Whether references are found by alignment too.")
    reranker_model_ids: tuple[UUID, ...] = Field(default=(), description="Boosters that score candidates anew.")
    calibration_id: UUID | None = Field(default=None, description="Curves that make probabilities of scores.")
    skipped_queries: int = Field(ge=0, description="Proteins that the whole job leaves out for lack of a vector.")


def job_result(payload: BatchPayload, totals: JobTotals) -> dict[str, str | int]:
    """Say what a job of ``predict_go_terms`` came to."""
    return {
        "prediction_set_id": str(payload.prediction_set_id),
        "queries": totals.queries,
        "skipped_queries": payload.skipped_queries,
        "predictions": totals.predictions,
        "batches": totals.batches,
    }
