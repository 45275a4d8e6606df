"""Trained re-rankers."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from protea_common.orm.base import Base, CreatedAt, Digest, JsonObject, UuidKey

__all__ = ["RerankerModel"]


class RerankerModel(Base):
    """A trained booster that re-scores predictions, and where it comes from.

    Written by the predictor.

    Attributes
    ----------
    category, aspect
        What it was trained for: nk, lk or pk; bpo, mfo or cco, null for all three.
    model_data, artifact_uri
        The booster as text, or in the artifact store; at least one of them.
    feature_schema_sha
        Fingerprint of the features it reads; it is refused where the live features have another one.
    producer_version, producer_git_sha, spec_yaml
        What trained it, and with which settings.
    """

    __tablename__ = "reranker_model"
    __table_args__ = (
        CheckConstraint("category IN ('nk', 'lk', 'pk')", name="category"),
        CheckConstraint("aspect IN ('bpo', 'mfo', 'cco')", name="aspect"),
        CheckConstraint("model_data IS NOT NULL OR artifact_uri IS NOT NULL", name="has_a_booster"),
    )

    id: Mapped[UuidKey]
    name: Mapped[str] = mapped_column(String(255), unique=True)
    prediction_set_id: Mapped[UUID | None] = mapped_column(ForeignKey("prediction_set.id", ondelete="SET NULL"))
    evaluation_set_id: Mapped[UUID | None] = mapped_column(ForeignKey("evaluation_set.id", ondelete="SET NULL"))
    dataset_id: Mapped[UUID | None] = mapped_column(ForeignKey("dataset.id", ondelete="SET NULL"))
    embedding_config_id: Mapped[UUID | None] = mapped_column(ForeignKey("embedding_config.id", ondelete="SET NULL"))
    ontology_snapshot_id: Mapped[UUID | None] = mapped_column(ForeignKey("ontology_snapshot.id", ondelete="SET NULL"))
    category: Mapped[str] = mapped_column(String(10))
    aspect: Mapped[str | None] = mapped_column(String(3))
    model_data: Mapped[str | None]
    artifact_uri: Mapped[str | None] = mapped_column(String(512))
    metrics: Mapped[JsonObject]
    feature_importance: Mapped[JsonObject]
    feature_schema_sha: Mapped[str | None] = mapped_column(String(16))
    schema_sha_v2: Mapped[Digest | None]
    external_source: Mapped[str | None]
    producer_version: Mapped[str | None] = mapped_column(String(64))
    producer_git_sha: Mapped[str | None] = mapped_column(String(40))
    spec_yaml: Mapped[str | None]
    created_at: Mapped[CreatedAt]
