"""``/v1/jobs``: single jobs, their timelines, notes and comments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Body, Query, Request, Response, status
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from protea_common.orm import Job, JobComment, JobEvent, JobStatus
from protea_gateway.adapters.storage.jobs import JobFilter, JobStore
from protea_gateway.domain.cursor import PageCursor
from protea_gateway.entrypoints.http.guard import GuardedRoute
from protea_gateway.entrypoints.http.parts import GREATEST_ID, CallerParameter, FactoryParameter
from protea_gateway.entrypoints.http.resources import Accepted, Deleted, link_next
from protea_gateway.entrypoints.http.streams import BinaryDownload, documented_as
from protea_gateway.usecases.jobs import AcceptedJob, CancelledJob, JobRequest
from protea_gateway.wiring import Factory

__all__ = ["router"]

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=GuardedRoute)

Tag = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Tags = Annotated[list[Tag], Field(max_length=32, description="The operator's tags.")]
Note = Annotated[str | None, Field(max_length=20_000)]

EXAMPLES = {
    "load proteins": {
        "value": {"operation": "load_proteins", "payload": {"source_uri": "artifact:uploads/3f1d.../a.fa"}}
    },
    "ping": {"value": {"operation": "ping", "payload": {}, "tags": ["smoke test"]}},
}


class NewJob(BaseModel):
    """A job to be done."""

    model_config = ConfigDict(extra="forbid")

    operation: str = Field(description="What to do.", examples=["load_proteins"])
    queue_name: str | None = Field(default=None, description="Follows from the operation; another one is refused.")
    payload: dict[str, Any] = Field(default_factory=dict, description="Parameters of the operation.")
    meta: dict[str, Any] = Field(default_factory=dict, description="Anything; steers nothing.")
    description: Note = Field(default=None, description="What it is for.")
    tags: Tags = Field(default_factory=list)


class Notes(BaseModel):
    """What people say about a job; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    description: Note = Field(default=None, description="What it is for.")
    findings: Note = Field(default=None, description="What came of it.")
    tags: Tags = Field(default_factory=list)


class JobSummary(BaseModel):
    """A job in a list."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    operation: str
    queue_name: str
    status: JobStatus
    parent_job_id: UUID | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    progress_current: int | None = Field(description="Units done; null while unknown.")
    progress_total: int | None = Field(description="Units in all; null while unknown.")
    error_code: str | None
    error_message: str | None
    description: str | None
    tags: list[str]
    trace_id: str | None = Field(description="Trace of the request that submitted it.")
    trace_url: str | None = Field(default=None, description="Its page in Jaeger; null where no Jaeger is configured.")

    @classmethod
    def of(cls, job: Job, factory: Factory) -> Self:
        """Write a job for the outside, with the address of its trace."""
        return cls.model_validate(job).model_copy(update={"trace_url": factory.trace_address(job.trace_id)})


class JobDetail(JobSummary):
    """A job with all that is known of it."""

    payload: dict[str, Any]
    meta: dict[str, Any]
    result: dict[str, Any] | None = Field(description="Identifiers and counts of what it made.")
    findings: str | None
    waits_for_job_id: UUID | None
    attempt: int = Field(description="How often a worker took it.")
    max_attempts: int


class TimelineEntry(BaseModel):
    """One line of a job's timeline."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    job_id: UUID
    ts: datetime
    level: str
    event: str
    message: str | None
    fields: dict[str, Any]


class Cancelled(Accepted):
    """A job after a cancellation."""

    children_cancelled: int = Field(description="Other jobs that were cancelled with it.")


class NewComment(BaseModel):
    """A comment to be left."""

    model_config = ConfigDict(extra="forbid")

    body: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
    author: Annotated[str, StringConstraints(max_length=255)] | None = None


class Comment(BaseModel):
    """A comment on a job."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    job_id: UUID
    author: str | None
    body: str
    created_at: datetime


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Submit a job",
    description="The payload is checked against the operation. The same job while it is active is a 409 that names it.",
    response_model=Accepted,
)
async def submit(
    new: Annotated[NewJob, Body(openapi_examples=EXAMPLES)],
    response: Response,
    factory: FactoryParameter,
    caller: CallerParameter,
) -> AcceptedJob:
    accepted = await factory.create_submit_job()(JobRequest(**new.model_dump()), key_prefix=caller.key_prefix)
    response.headers["Location"] = f"/v1/jobs/{accepted.id}"
    return accepted


@router.get(
    "",
    summary="List jobs",
    description="Newest first. The Link header leads to the next page.",
)
async def page(
    *,
    request: Request,
    response: Response,
    factory: FactoryParameter,
    wanted: Annotated[JobStatus | None, Query(alias="status", description="In either case.")] = None,
    operation: Annotated[str | None, Query()] = None,
    parent_job_id: Annotated[UUID | None, Query(description="Steps of this job.")] = None,
    include_children: Annotated[bool, Query(description="Also steps of other jobs.")] = False,
    dedup_key: Annotated[
        str | None,
        Query(
            pattern="^[0-9a-f]{16}$",
            description="Jobs of one operation and payload: first 16 hex digits of the SHA-256 over the operation's "
            "name and the payload with all its defaults as JSON, keys sorted, without spaces.",
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    after: Annotated[str | None, Query(description="From the Link header of the page before.")] = None,
) -> list[JobSummary]:
    chosen = JobFilter(wanted, operation, parent_job_id, include_children, dedup_key)
    async with factory.unit_of_work() as work:
        cursor = None if after is None else PageCursor.decode(after)
        jobs = await JobStore(work.session).page(chosen, after=cursor, limit=limit)
    if len(jobs) == limit:
        following = PageCursor(jobs[-1].created_at, jobs[-1].id).encode()
        link_next(request, response, following)
    return [JobSummary.of(job, factory) for job in jobs]


@router.get(
    "/{job_id}/file",
    summary="Download the file that a job made",
    status_code=status.HTTP_200_OK,
    response_class=BinaryDownload,
    responses=documented_as("application/octet-stream", "The file, for example the embeddings of an export."),
)
async def download(job_id: UUID, factory: FactoryParameter) -> BinaryDownload:
    file = await factory.create_download_job_file()(job_id)
    return BinaryDownload(file.content, filename=file.name)


@router.get("/{job_id}", summary="Show a job")
async def show(job_id: UUID, factory: FactoryParameter) -> JobDetail:
    async with factory.unit_of_work() as work:
        return JobDetail.of(await JobStore(work.session).get(job_id), factory)


@router.patch("/{job_id}", summary="Write notes on a job")
async def write_notes(job_id: UUID, notes: Notes, factory: FactoryParameter) -> JobDetail:
    async with factory.unit_of_work() as work:
        job = await JobStore(work.session).write_notes(job_id, notes.model_dump(exclude_unset=True))
        return JobDetail.of(job, factory)


@router.delete("/{job_id}", summary="Delete a job", description="What it made stays. A running job is a 409.")
async def delete(job_id: UUID, factory: FactoryParameter) -> Deleted:
    async with factory.unit_of_work() as work:
        await JobStore(work.session).delete(job_id)
    return Deleted(deleted=job_id)


@router.post(
    "/{job_id}/cancel",
    summary="Cancel a job",
    description="With its steps and what waits for it. A job that has ended is given back unchanged.",
    response_model=Cancelled,
)
async def cancel(job_id: UUID, factory: FactoryParameter) -> CancelledJob:
    return await factory.create_cancel_job()(job_id)


@router.get(
    "/{job_id}/events",
    summary="Read a job's timeline",
    description="Newest first. The Link header leads to older entries.",
    response_model=list[TimelineEntry],
)
async def events(
    *,
    job_id: UUID,
    request: Request,
    response: Response,
    factory: FactoryParameter,
    limit: Annotated[int, Query(ge=1, le=2000)] = 200,
    after: Annotated[
        int | None, Query(ge=0, le=GREATEST_ID, description="Id of the last entry of the page before.")
    ] = None,
) -> Sequence[JobEvent]:
    async with factory.unit_of_work() as work:
        store = JobStore(work.session)
        await store.get(job_id)
        entries = await store.events(job_id, before=after, limit=limit)
    if len(entries) == limit:
        link_next(request, response, str(entries[-1].id))
    return entries


@router.post(
    "/{job_id}/comments", status_code=status.HTTP_201_CREATED, summary="Comment on a job", response_model=Comment
)
async def comment(job_id: UUID, new: NewComment, factory: FactoryParameter) -> JobComment:
    async with factory.unit_of_work() as work:
        return await JobStore(work.session).comment(job_id, author=new.author, body=new.body)


@router.get(
    "/{job_id}/comments",
    summary="Read the comments on a job",
    description="Oldest first.",
    response_model=list[Comment],
)
async def comments(
    job_id: UUID,
    factory: FactoryParameter,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[int, Query(ge=0, le=GREATEST_ID, description="Id of the last comment that was read.")] = 0,
) -> Sequence[JobComment]:
    async with factory.unit_of_work() as work:
        return await JobStore(work.session).comments(job_id, after=after, limit=limit)
