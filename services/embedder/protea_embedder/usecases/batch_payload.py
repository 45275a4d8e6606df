"""What the coordinator leaves for the workers, and the result that the last of them gives the job."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from protea_embedder.adapters.storage import JobTotals

__all__ = ["BatchPayload", "job_result"]


class BatchPayload(BaseModel):
    """Payload of a batch's row."""

    model_config = ConfigDict(frozen=True)

    sequence_ids: tuple[int, ...] = Field(description="Sequences of the batch.")
    skipped_existing: int = Field(ge=0, description="Sequences that the whole job leaves out as embedded already.")


def job_result(config_id: UUID, totals: JobTotals, *, skipped_existing: int) -> dict[str, str | int]:
    """Say what a job of ``compute_embeddings`` came to."""
    return {
        "embedding_config_id": str(config_id),
        "sequences": totals.sequences,
        "residues": totals.residues,
        "vectors_written": totals.vectors_written,
        "truncated": totals.truncated,
        "in_windows": totals.in_windows,
        "batches": totals.batches,
        "skipped_existing": skipped_existing,
    }
