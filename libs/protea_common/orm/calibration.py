"""What scores of a method are worth as probabilities."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from protea_common.orm.base import Base, CreatedAt, Digest, JsonObject, UuidKey

__all__ = ["CalibrationModel"]


class CalibrationModel(Base):
    """Curves from score to probability, one per cell, fitted to a prediction set on a window that is for choosing.

    Written by the predictor.

    Attributes
    ----------
    evaluation_set_id, prediction_set_id
        What it was fitted on; null once that is deleted.
    artifact_uri, content_sha256
        The curves as JSON, and their digest.
    candidate_count
        Predictions that it was fitted to.
    method
        The receipt of the prediction set, as far as scores follow from it; other scores are refused.
    metrics
        By aspect: predictions, true ones, and the expected calibration error before and after.
    """

    __tablename__ = "calibration_model"

    id: Mapped[UuidKey]
    evaluation_set_id: Mapped[UUID | None] = mapped_column(ForeignKey("evaluation_set.id", ondelete="SET NULL"))
    prediction_set_id: Mapped[UUID | None] = mapped_column(ForeignKey("prediction_set.id", ondelete="SET NULL"))
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))
    artifact_uri: Mapped[str] = mapped_column(String(512))
    content_sha256: Mapped[Digest]
    candidate_count: Mapped[int] = mapped_column(BigInteger)
    method: Mapped[JsonObject]
    metrics: Mapped[JsonObject]
    created_at: Mapped[CreatedAt]
