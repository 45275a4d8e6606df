"""The live streams of events."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response, status

from protea_gateway.entrypoints.http.guard import GuardedRoute
from protea_gateway.entrypoints.http.parts import GREATEST_ID, FactoryParameter
from protea_gateway.entrypoints.http.streams import LiveEvents, documented_as

__all__ = ["router"]

router = APIRouter(tags=["live"], route_class=GuardedRoute)

EVENTS = documented_as(
    "text/event-stream",
    "Events as they are committed: `id` is the entry's id in the timeline, `event` its name, `data` the entry as JSON.",
)
JOB_EVENTS = EVENTS | {204: {"description": "The job has ended and the reader has seen it all; a browser stops here."}}

LastEventHeader = Annotated[
    int | None, Header(alias="Last-Event-ID", ge=0, le=GREATEST_ID, description="Last event that was seen.")
]
LastEventQuery = Annotated[
    int | None, Query(alias="last_event_id", ge=0, le=GREATEST_ID, description="The same, for whoever sets no headers.")
]


@router.get(
    "/jobs/{job_id}/stream",
    summary="Follow a job",
    description="Replays the timeline of a job and its steps, goes on live, and ends with the job.",
    status_code=status.HTTP_200_OK,
    response_class=LiveEvents,
    responses=JOB_EVENTS,
)
async def follow_job(
    job_id: UUID, factory: FactoryParameter, seen: LastEventHeader = None, last_event_id: LastEventQuery = None
) -> Response:
    after = seen if seen is not None else last_event_id
    events = await factory.create_follow_timeline().job(job_id, after=after)
    return Response(status_code=status.HTTP_204_NO_CONTENT) if events is None else LiveEvents(events)


@router.get(
    "/stream",
    summary="Follow all jobs",
    description="From now on, or from behind the last event that was seen; does not end.",
    status_code=status.HTTP_200_OK,
    response_class=LiveEvents,
    responses=EVENTS,
)
async def follow_all(
    factory: FactoryParameter, seen: LastEventHeader = None, last_event_id: LastEventQuery = None
) -> Response:
    after = seen if seen is not None else last_event_id
    return LiveEvents(await factory.create_follow_timeline().everything(after=after))
