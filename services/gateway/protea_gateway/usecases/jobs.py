"""Accepting single jobs and cancelling them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.jobs import NewJob, cancel_job, submit_job
from protea_common.operations import OperationPayload, get_operation
from protea_common.orm import JobStatus
from protea_common.storage import ArtifactStore
from protea_gateway.adapters.storage.jobs import JobStore
from protea_gateway.adapters.storage.references import require_named_rows
from protea_gateway.domain.errors import NotFoundError, NotSubmittableError

__all__ = ["AcceptedJob", "CancelJob", "CancelledJob", "JobRequest", "SubmitJob"]

_ARTIFACT: Final = "artifact:"


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A job as somebody asks for it; its payload is not checked yet."""

    operation: str
    payload: Mapping[str, Any]
    queue_name: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    description: str | None = None
    tags: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class AcceptedJob:
    """A job that waits for its owner."""

    id: UUID
    status: JobStatus


@dataclass(frozen=True, slots=True)
class CancelledJob:
    """A job after a cancellation; one that had ended before keeps its status.

    Attributes
    ----------
    children_cancelled
        Other jobs that were cancelled with it.
    """

    id: UUID
    status: JobStatus
    children_cancelled: int


class SubmitJob:
    """Checks a request for a job and writes it, so that a worker never meets one that cannot succeed."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts

    async def __call__(self, request: JobRequest, *, key_prefix: str | None) -> AcceptedJob:
        """Accept a job.

        Raises
        ------
        UnknownOperationError, InvalidPayloadError, NotSubmittableError
            If the request does not fit any operation.
        NotFoundError
            If the payload names a row or an upload that does not exist.
        DuplicateJobError
            If an active job does the same.
        """
        payload = _read_payload(request)
        await self._require_artifact(payload)
        new = NewJob(
            request.operation,
            payload,
            meta=request.meta,
            description=request.description,
            tags=request.tags,
            api_key_prefix=key_prefix,
        )
        async with self._unit_of_work() as work:
            await require_named_rows(work.session, payload.model_dump())
            job_id = await submit_job(work, new)
        return AcceptedJob(job_id, JobStatus.QUEUED)

    async def _require_artifact(self, payload: OperationPayload) -> None:
        source = getattr(payload, "source_uri", "")
        if source.startswith(_ARTIFACT) and not await self._artifacts.exists(source.removeprefix(_ARTIFACT)):
            raise NotFoundError("upload", source)


class CancelJob:
    """Cancels a job with its steps and what waits for it."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork]) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, job_id: UUID) -> CancelledJob:
        """Cancel; a job that has ended stays as it is, or raise `NotFoundError`."""
        async with self._unit_of_work() as work:
            store = JobStore(work.session)
            before = (await store.get(job_id)).status
            cancelled = await cancel_job(work, job_id, reason="user")
            work.session.expire_all()
            status = (await store.get(job_id)).status
        itself = int(status is JobStatus.CANCELLED and before is not JobStatus.CANCELLED)
        return CancelledJob(job_id, status, max(0, cancelled - itself))


def _read_payload(request: JobRequest) -> OperationPayload:
    operation = get_operation(request.operation)
    if operation.queue is None:
        raise NotSubmittableError("operation", f"{operation.name} starts with a file: send it to POST /v1/annotate.")
    if request.queue_name not in (None, operation.queue):
        raise NotSubmittableError(
            "queue_name", f"{operation.name} runs on {operation.queue}; leave queue_name out or name that queue."
        )
    return operation.payload.read(request.payload, operation=operation.name)
