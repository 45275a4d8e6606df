"""Jobs, the batches they are cut into, and what is told about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Enum, ForeignKey, Index, Sequence, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from protea_common.orm.base import Base, Count, CreatedAt, IdentityKey, JsonObject, TextList, UpperCaseEnum, UuidKey

__all__ = [
    "ACTIVE_STATUSES",
    "LEASE_TOKEN_SEQUENCE",
    "BatchStatus",
    "Job",
    "JobBatch",
    "JobComment",
    "JobEvent",
    "JobStatus",
]


class JobStatus(UpperCaseEnum):
    """Where a job stands; the last three are final."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class BatchStatus(UpperCaseEnum):
    """Where a batch of a job stands; the last three are final."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


ACTIVE_STATUSES = (JobStatus.QUEUED, JobStatus.RUNNING)
"""Statuses under which a second job with the same ``dedup_key`` is refused; the unique index repeats them."""

LEASE_TOKEN_SEQUENCE = Sequence("lease_token_seq", metadata=Base.metadata)
"""Fencing tokens: a later claim has a greater one, so a write under an older token can be told and refused."""


class Job(Base):
    """One request for an operation, from submission to its final status.

    Written by the jobs library.

    Attributes
    ----------
    payload
        Parameters of the operation exactly as they were accepted.
    meta
        Free bag for campaigns and operators; it steers nothing.
    result
        Identifiers and counts of what the job made, once it has succeeded.
    progress_current, progress_total
        Units done and in all; both null while unknown.
    parent_job_id
        Coordinator that made this job.
    waits_for_job_id
        Job that must end before this one is published.
    dedup_key
        First 16 hex digits of the SHA-256 over operation and canonical payload.
    attempt
        How often it was claimed.
    lease_token, leased_until, worker
        Fencing token, end and holder of the lease while a coordinator runs; null otherwise.
    available_at
        Not to be claimed before; null for at once.
    held_at
        Since when it waits because its key has as many running jobs as are allowed; null otherwise.
    api_key_prefix
        Prefix of the key that submitted it.
    description, findings, tags
        The operator's own notes; they steer nothing.
    """

    __tablename__ = "job"
    __table_args__ = (
        Index(None, "operation", "created_at"),
        Index(None, "status", "created_at"),
        Index(
            "uq_job_dedup_key_active",
            "dedup_key",
            unique=True,
            postgresql_where=text("status IN ('QUEUED', 'RUNNING') AND dedup_key IS NOT NULL"),
        ),
        Index("ix_job_held", "api_key_prefix", "held_at", postgresql_where=text("held_at IS NOT NULL")),
    )

    id: Mapped[UuidKey]
    operation: Mapped[str]
    queue_name: Mapped[str]
    status: Mapped[JobStatus] = mapped_column(Enum(JobStatus, name="job_status"), server_default=JobStatus.QUEUED)
    payload: Mapped[JsonObject]
    meta: Mapped[JsonObject]
    result: Mapped[dict[str, Any] | None]
    created_at: Mapped[CreatedAt] = mapped_column(index=True)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    available_at: Mapped[datetime | None]
    held_at: Mapped[datetime | None]
    progress_current: Mapped[int | None] = mapped_column(BigInteger)
    progress_total: Mapped[int | None] = mapped_column(BigInteger)
    parent_job_id: Mapped[UUID | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"), index=True)
    waits_for_job_id: Mapped[UUID | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"), index=True)
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    dedup_key: Mapped[str | None] = mapped_column(String(16))
    attempt: Mapped[Count]
    max_attempts: Mapped[int] = mapped_column(server_default=text("5"))
    lease_token: Mapped[int | None] = mapped_column(BigInteger)
    leased_until: Mapped[datetime | None]
    worker: Mapped[str | None]
    trace_id: Mapped[str | None] = mapped_column(String(32))
    traceparent: Mapped[str | None]
    api_key_prefix: Mapped[str | None] = mapped_column(String(8))
    description: Mapped[str | None]
    findings: Mapped[str | None]
    tags: Mapped[TextList]

    events: Mapped[list[JobEvent]] = relationship(
        back_populates="job", lazy="raise", order_by="JobEvent.id", passive_deletes="all"
    )


class JobEvent(Base):
    """One line of a job's timeline; append-only, committed on its own so that it survives a rollback of the work.

    Written by the jobs library.
    """

    __tablename__ = "job_event"
    __table_args__ = (
        Index(None, "job_id", "ts"),
        Index(None, "event", "ts"),
        CheckConstraint("level IN ('info', 'warning', 'error')", name="level"),
    )

    id: Mapped[IdentityKey]
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    ts: Mapped[CreatedAt]
    event: Mapped[str]
    level: Mapped[str] = mapped_column(server_default="info")
    message: Mapped[str | None]
    fields: Mapped[JsonObject]

    job: Mapped[Job] = relationship(back_populates="events", lazy="raise")


class JobComment(Base):
    """A note that a person left on a job, read oldest first.

    Written by the gateway.
    """

    __tablename__ = "job_comment"
    __table_args__ = (Index(None, "job_id", "created_at"),)

    id: Mapped[IdentityKey]
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    author: Mapped[str | None]
    body: Mapped[str]
    created_at: Mapped[CreatedAt]


class JobBatch(Base):
    """A part of a job that one worker handles at a time; progress is the count of those that are done.

    Written by the jobs library.

    Attributes
    ----------
    batch_index
        Place among the job's batches, from 0.
    kind
        What its events are called, without the verb: ``embeddings.batch``.
    request
        Body of the event that asks for it, so that it can be asked for again.
    payload
        Identifiers of what to work on.
    counts
        What the work came to, for sums over the job.
    lease_token, leased_until, worker
        Fencing token, end and holder of the lease while a worker runs; null otherwise.
    """

    __tablename__ = "job_batch"
    __table_args__ = (
        UniqueConstraint("job_id", "batch_index"),
        Index("ix_job_batch_running_leased_until", "leased_until", postgresql_where=text("status = 'RUNNING'")),
        Index("ix_job_batch_pending_kind", "kind", postgresql_where=text("status = 'PENDING'")),
    )

    id: Mapped[IdentityKey]
    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    batch_index: Mapped[int]
    status: Mapped[BatchStatus] = mapped_column(
        Enum(BatchStatus, name="batch_status"), server_default=BatchStatus.PENDING
    )
    kind: Mapped[str]
    request: Mapped[JsonObject]
    payload: Mapped[JsonObject]
    counts: Mapped[JsonObject]
    attempt: Mapped[Count]
    lease_token: Mapped[int | None] = mapped_column(BigInteger)
    leased_until: Mapped[datetime | None]
    worker: Mapped[str | None]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
