"""Frozen training data for re-rankers."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from protea_common.orm.base import Base, CreatedAt, Digest, JsonObject, UuidKey

__all__ = ["Dataset"]


class Dataset(Base):
    """A dataset in the artifact store; the row is written once all its files are there.

    Written by the predictor.

    Attributes
    ----------
    train_uri, eval_uri, manifest_uri
        Its files, in the store's own scheme.
    schema_sha
        Fingerprint of the features; a booster trained on it carries the same.
    manifest_sha
        SHA-256 of the manifest.
    k
        Neighbours per query.
    train_snapshot_pairs, eval_snapshot_pair
        Annotation releases t0 and t1, as ``v220-v221``.
    """

    __tablename__ = "dataset"

    id: Mapped[UuidKey]
    name: Mapped[str] = mapped_column(String(255), unique=True)
    operation: Mapped[str] = mapped_column(String(64))
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))
    storage_backend: Mapped[str] = mapped_column(String(32))
    key_prefix: Mapped[str] = mapped_column(String(512))
    train_uri: Mapped[str | None] = mapped_column(String(1024))
    eval_uri: Mapped[str | None] = mapped_column(String(1024))
    manifest_uri: Mapped[str] = mapped_column(String(1024))
    schema_sha: Mapped[str] = mapped_column(String(16))
    schema_sha_v2: Mapped[Digest | None]
    manifest_sha: Mapped[Digest | None]
    n_train_rows: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    n_eval_rows: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    k: Mapped[int]
    annotation_source: Mapped[str] = mapped_column(String(32))
    embedding_config_id: Mapped[UUID | None] = mapped_column(ForeignKey("embedding_config.id", ondelete="SET NULL"))
    ontology_snapshot_id: Mapped[UUID | None] = mapped_column(ForeignKey("ontology_snapshot.id", ondelete="SET NULL"))
    train_snapshot_pairs: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    eval_snapshot_pair: Mapped[str | None] = mapped_column(String(64))
    producer_version: Mapped[str | None] = mapped_column(String(64))
    producer_git_sha: Mapped[str | None] = mapped_column(String(40))
    meta: Mapped[JsonObject]
    created_at: Mapped[CreatedAt] = mapped_column(index=True)
