"""``/v1/admin``: what operators look after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from protea_common.orm import DeadLetter
from protea_gateway.adapters.storage.dead_letters import DeadLetterStore
from protea_gateway.entrypoints.http.guard import PrivateRoute
from protea_gateway.entrypoints.http.parts import GREATEST_ID, FactoryParameter
from protea_gateway.entrypoints.http.resources import link_next

__all__ = ["router"]

router = APIRouter(prefix="/admin", tags=["administration"], route_class=PrivateRoute)


class DeadLetterResource(BaseModel):
    """A message that nobody could handle."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    queue: str = Field(description="Where it died.")
    event_id: UUID | None
    type: str
    subject: UUID | None = Field(description="Job it was about.")
    reason: str
    error_code: str
    attempts: int
    headers: dict[str, Any]
    body: dict[str, Any] | None = Field(description="Null if it is no JSON object.")
    created_at: datetime
    replayed_at: datetime | None
    purged_at: datetime | None


@router.get(
    "/dead-letters",
    summary="List dead letters",
    description="Newest first. The Link header leads to older ones.",
    response_model=list[DeadLetterResource],
)
async def dead_letters(
    request: Request,
    response: Response,
    factory: FactoryParameter,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    after: Annotated[
        int | None, Query(ge=0, le=GREATEST_ID, description="Id of the last one of the page before.")
    ] = None,
) -> Sequence[DeadLetter]:
    async with factory.unit_of_work() as work:
        letters = await DeadLetterStore(work.session).page(before=after, limit=limit)
    if len(letters) == limit:
        link_next(request, response, str(letters[-1].id))
    return letters
