"""Shapes and helpers that several resources share."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from protea_common.operations import OperationPayload
from protea_common.orm import JobStatus
from protea_gateway.domain.callers import Caller
from protea_gateway.usecases.jobs import AcceptedJob, JobRequest
from protea_gateway.wiring import Factory

__all__ = ["Accepted", "Deleted", "link_next", "submit_operation"]


class Accepted(BaseModel):
    """A job that was accepted."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="The job; GET /v1/jobs/{id} shows it.")
    status: JobStatus


class Deleted(BaseModel):
    """What was deleted."""

    deleted: UUID


def link_next(request: Request, response: Response, after: str) -> None:
    """Lead to the next page (RFC 8288)."""
    address = request.url.include_query_params(after=after)
    response.headers["Link"] = f'<{address.path}?{address.query}>; rel="next"'


async def submit_operation(
    operation: str, payload: OperationPayload, *, factory: Factory, caller: Caller, response: Response
) -> AcceptedJob:
    """Submit a job whose payload came as the body of its own address."""
    request = JobRequest(operation, payload.model_dump(mode="json"))
    accepted = await factory.create_submit_job()(request, key_prefix=caller.key_prefix)
    response.headers["Location"] = f"/v1/jobs/{accepted.id}"
    return accepted
