"""Experiments: what was tried, why, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Enum, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from protea_common.orm.base import Base, CreatedAt, Digest, JsonObject, TextList, UpperCaseEnum, UuidKey

__all__ = ["ExperimentRun", "ExperimentRunStatus"]


class ExperimentRunStatus(UpperCaseEnum):
    """Where an experiment stands; the last two are final."""

    PLANNED = "PLANNED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    ABANDONED = "ABANDONED"


class ExperimentRun(Base):
    """One experiment under a human name.

    Written by the gateway.

    Attributes
    ----------
    config, provenance
        Settings, and the versions of all that took part.
    plm, k, reranker_spec_id, feature_schema_sha, schema_sha_v2, eval_set_name, eval_set_manifest_sha, propagation, \
ensemble_spec
        The axes along which experiments differ.
    axis_tuple_shortid
        First 12 hex digits of the SHA-256 over the axes; two experiments on the same point are refused.
    """

    __tablename__ = "experiment_run"
    __table_args__ = (
        Index(None, "status", "created_at"),
        Index(
            "uq_experiment_run_axis_tuple_shortid",
            "axis_tuple_shortid",
            unique=True,
            postgresql_where=text("axis_tuple_shortid IS NOT NULL"),
        ),
    )

    id: Mapped[UuidKey]
    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str | None]
    hypothesis: Mapped[str | None]
    findings: Mapped[str | None]
    status: Mapped[ExperimentRunStatus] = mapped_column(
        Enum(ExperimentRunStatus, name="experiment_run_status"), server_default=ExperimentRunStatus.PLANNED
    )
    config: Mapped[JsonObject]
    provenance: Mapped[JsonObject]
    tags: Mapped[TextList]
    plm: Mapped[str | None]
    k: Mapped[int | None]
    reranker_spec_id: Mapped[str | None]
    feature_schema_sha: Mapped[str | None] = mapped_column(String(16))
    schema_sha_v2: Mapped[Digest | None]
    eval_set_name: Mapped[str | None]
    eval_set_manifest_sha: Mapped[Digest | None]
    propagation: Mapped[str | None]
    ensemble_spec: Mapped[dict[str, Any] | None]
    axis_tuple_shortid: Mapped[str | None] = mapped_column(String(12))
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
