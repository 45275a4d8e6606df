"""Principal components of a recipe's vectors."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from protea_common.orm.base import Base, CreatedAt, Digest, UuidKey

__all__ = ["EmbeddingProjection"]


class EmbeddingProjection(Base):
    """The one fit of principal components that every dataset and prediction of a recipe uses; it never changes.

    Written by the predictor.

    Attributes
    ----------
    annotation_set_id, reference_digest
        References that it was fitted on: the set that made them references, null once that is deleted, and their bank.
    artifact_uri, content_sha256
        Mean and components as an ``.npz`` file, and its digest.
    vector_count
        Vectors that the fit looked at.
    solver, seed
        How it was fitted, and the seed of the sample where there were more vectors than it looks at.
    """

    __tablename__ = "embedding_projection"

    id: Mapped[UuidKey]
    embedding_config_id: Mapped[UUID] = mapped_column(
        ForeignKey("embedding_config.id", ondelete="CASCADE"), unique=True
    )
    annotation_set_id: Mapped[UUID | None] = mapped_column(ForeignKey("annotation_set.id", ondelete="SET NULL"))
    reference_digest: Mapped[str] = mapped_column(String(32))
    artifact_uri: Mapped[str] = mapped_column(String(512))
    content_sha256: Mapped[Digest]
    dimension: Mapped[int]
    component_count: Mapped[int]
    vector_count: Mapped[int]
    solver: Mapped[str]
    seed: Mapped[int]
    created_at: Mapped[CreatedAt]
