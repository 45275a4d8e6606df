"""``/v1/status``: the platform on one page."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from protea_common.orm import JobStatus
from protea_gateway.entrypoints.http.guard import PrivateRoute
from protea_gateway.entrypoints.http.parts import FactoryParameter
from protea_gateway.usecases.status import PlatformStatus

__all__ = ["router"]

router = APIRouter(prefix="/status", tags=["administration"], route_class=PrivateRoute)


class _Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class QueueResource(_Shown):
    """One queue."""

    name: str
    service: str | None = Field(description="Who reads it.")
    ready: int | None = Field(description="Messages that wait, as the broker counts; null while it does not answer.")
    unacknowledged: int = Field(description="Messages that workers hold: the leases on its jobs or batches.")
    consumers: int | None = Field(description="Subscriptions, as the broker counts; null while it does not answer.")
    oldest_open_seconds: float | None = Field(description="Age of its oldest unfinished job or batch.")


class WorkerResource(_Shown):
    """What one process holds of one queue."""

    worker: str = Field(description="Host and process.")
    service: str | None
    queue: str
    holds: int = Field(description="Jobs or batches under its lease.")
    expired: int = Field(description="Those of them whose lease has ended: the reaper gives them to others.")
    since: datetime = Field(description="When the oldest of them was first taken.")
    heartbeat_at: datetime = Field(description="When it last renewed a lease.")
    lease_until: datetime = Field(description="When the first of its leases ends.")


class LeasesResource(_Shown):
    """All leases together."""

    held: int
    expired: int
    next_expiry: datetime | None


class JobsResource(_Shown):
    """Jobs by state."""

    active: dict[JobStatus, int]
    ended_last_day: dict[JobStatus, int] = Field(description="Of those that were submitted within the last 24 hours.")


class OutboxResource(_Shown):
    """Events that wait for the relay."""

    unsent: int = Field(description="Due, and not sent.")
    delayed: int = Field(description="Not due yet: retries.")
    oldest_seconds: float | None = Field(description="How long the oldest one has been due.")


class DeadLettersResource(_Shown):
    """Letters that are neither replayed nor purged."""

    open: int
    oldest_seconds: float | None


class ErrorResource(_Shown):
    """A failure of a job, or a try that is repeated."""

    ts: datetime
    event: str
    job_id: UUID
    operation: str
    error_code: str | None
    message: str | None
    trace_id: str | None
    trace_url: str | None = None


class VersionsResource(_Shown):
    """What runs."""

    protea: str
    python: str
    postgresql: str
    database_schema: str | None = Field(validation_alias="schema", description="The last migration.")


class StatusResource(_Shown):
    """The platform on one page."""

    observed_at: datetime = Field(description="By the database's clock, as all times here.")
    versions: VersionsResource
    broker_error: str | None = Field(description="Why the broker's counts are missing.")
    queues: list[QueueResource]
    workers: list[WorkerResource] = Field(description="Who holds leases; idle ones show as consumers of their queue.")
    leases: LeasesResource
    jobs: JobsResource
    outbox: OutboxResource
    dead_letters: DeadLettersResource
    errors: list[ErrorResource] = Field(description="The last ten, newest first.")


@router.get(
    "",
    summary="Show how the platform is",
    description="Queues, workers, leases, jobs, outbox, dead letters and the last errors. It answers without a broker"
    " too.",
    response_model=StatusResource,
)
async def show(factory: FactoryParameter) -> StatusResource:
    return _with_traces(await factory.create_show_status()(), factory=factory)


def _with_traces(status: PlatformStatus, *, factory: FactoryParameter) -> StatusResource:
    shown = StatusResource.model_validate(status)
    errors = [error.model_copy(update={"trace_url": factory.trace_address(error.trace_id)}) for error in shown.errors]
    return shown.model_copy(update={"errors": errors})
