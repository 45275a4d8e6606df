"""Accepting work: a job, or a pipeline of jobs in which each step waits for the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.events import JobCreated
from protea_common.jobs.timeline import record
from protea_common.operations import OperationPayload, dedup_key, get_operation
from protea_common.orm import ACTIVE_STATUSES, Job, JobStatus
from protea_common.telemetry import current_trace_id, inject_trace_context

__all__ = ["PIPELINE_QUEUE", "DuplicateJobError", "NewJob", "submit_job", "submit_pipeline"]

PIPELINE_QUEUE = "protea.pipeline"
"""What a pipeline's row shows as its queue: nothing is ever published to it."""


class DuplicateJobError(PermanentError):
    """An active job does the same already.

    Attributes
    ----------
    existing_job_id
        The job that does it.
    """

    slug: ClassVar[str] = "duplicate-active-job"
    status: ClassVar[int] = 409

    def __init__(self, operation: str, existing_job_id: UUID) -> None:
        self.existing_job_id = existing_job_id
        super().__init__(
            f"Job {existing_job_id} does {operation} with the same payload already; follow it or wait until it ends."
        )


@dataclass(frozen=True, slots=True)
class NewJob:
    """What is wanted: an operation, its validated payload, and what people say about it.

    Without ``max_attempts`` it is tried as often as its operation says.
    """

    operation: str
    payload: OperationPayload
    meta: Mapping[str, Any] = field(default_factory=dict)
    description: str | None = None
    tags: Sequence[str] = ()
    api_key_prefix: str | None = None
    max_attempts: int | None = None


async def submit_job(
    work: UnitOfWork, new: NewJob, *, parent_job_id: UUID | None = None, waits_for_job_id: UUID | None = None
) -> UUID:
    """Write a job, its first timeline entry and the event that wakes its owner; give its id.

    A job that waits for another is written without the event: whoever ends the other sends it.

    Raises
    ------
    DuplicateJobError
        If an active job has the same operation and payload.
    """
    job_id = await _insert_job(work, new, parent_job_id=parent_job_id, waits_for_job_id=waits_for_job_id)
    await record(work, job_id, "job.created", fields={"operation": new.operation})
    if waits_for_job_id is None:
        work.publish(JobCreated(job_id=job_id, operation=new.operation))
    return job_id


async def submit_pipeline(work: UnitOfWork, pipeline: NewJob, steps: Sequence[NewJob]) -> UUID:
    """Write a pipeline and its steps, each waiting for the one before; give the pipeline's id.

    The pipeline is RUNNING from the start and ends with its last step, or with the first that fails.

    Raises
    ------
    DuplicateJobError
        If the same pipeline is active already.
    """
    pipeline_id = await _insert_job(work, pipeline, parent_job_id=None, waits_for_job_id=None)
    await work.session.execute(
        update(Job)
        .where(Job.id == pipeline_id)
        .values(status=JobStatus.RUNNING, started_at=func.now(), progress_current=0, progress_total=len(steps))
        .execution_options(synchronize_session=False)
    )
    await record(work, pipeline_id, "job.created", fields={"operation": pipeline.operation, "steps": len(steps)})
    previous: UUID | None = None
    for step in steps:
        previous = await submit_job(work, step, parent_job_id=pipeline_id, waits_for_job_id=previous)
    return pipeline_id


async def _insert_job(
    work: UnitOfWork, new: NewJob, *, parent_job_id: UUID | None, waits_for_job_id: UUID | None
) -> UUID:
    payload = new.payload.model_dump(mode="json")
    # A pipeline's steps are not shared between pipelines: each may be cancelled with its own.
    operation = get_operation(new.operation)
    key = dedup_key(new.operation, payload) if parent_job_id is None else None
    values = {
        "id": uuid4(),
        "operation": new.operation,
        "queue_name": operation.queue or PIPELINE_QUEUE,
        "status": JobStatus.QUEUED,
        "payload": payload,
        "meta": dict(new.meta),
        "description": new.description,
        "tags": list(new.tags),
        "dedup_key": key,
        "parent_job_id": parent_job_id,
        "waits_for_job_id": waits_for_job_id,
        "max_attempts": new.max_attempts or operation.max_attempts,
        "api_key_prefix": new.api_key_prefix,
        "trace_id": current_trace_id(),
        "traceparent": inject_trace_context({}).get("traceparent"),
    }
    inserted = await work.session.scalar(upsert(Job).values(**values).on_conflict_do_nothing().returning(Job.id))
    if inserted is not None:
        return UUID(str(inserted))
    existing = await work.session.scalar(
        select(Job.id).where(Job.dedup_key == key, Job.status.in_(ACTIVE_STATUSES)).limit(1)
    )
    if existing is not None:
        raise DuplicateJobError(new.operation, existing)
    # The other job ended between the two statements.
    await work.session.execute(insert(Job).values(**values))
    return UUID(str(values["id"]))
