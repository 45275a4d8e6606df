"""``/v1/admin``: what operators look after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from protea_common.orm import DeadLetter
from protea_gateway.adapters.storage.dead_letters import DeadLetterStore, LetterFilter, LetterState
from protea_gateway.entrypoints.http.guard import PrivateRoute
from protea_gateway.entrypoints.http.parts import GREATEST_ID, CallerParameter, FactoryParameter
from protea_gateway.entrypoints.http.resources import link_next
from protea_gateway.usecases.dead_letter_purge import Purge
from protea_gateway.usecases.dead_letter_replay import Replay, Verdict

__all__ = ["router"]

router = APIRouter(prefix="/admin", tags=["administration"], route_class=PrivateRoute)

LetterId = Annotated[int, Field(ge=1, le=GREATEST_ID)]
QueueName = Annotated[str, StringConstraints(min_length=1, max_length=255)]
AgeSeconds = Annotated[float, Field(ge=0, le=10**9, allow_inf_nan=False)]


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
    attempts: int = Field(description="How often the work was tried; 0 if the broker gave it up.")
    headers: dict[str, Any] = Field(description="As they came: envelope, trace context, and why it died.")
    body: dict[str, Any] | None = Field(description="Null if it is no JSON object, or was purged.")
    created_at: datetime
    replayed_at: datetime | None
    purged_at: datetime | None


class ChosenLetters(BaseModel):
    """Which letters are meant; all conditions hold at once."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = Field(default=True, description="Only tell what would be done. Say false to have it done.")
    ids: Annotated[list[LetterId], Field(min_length=1, max_length=500)] | None = Field(
        default=None, description="These letters."
    )
    queue: QueueName | None = Field(default=None, description="Those that died on this queue.")
    older_than_seconds: AgeSeconds | None = Field(default=None, description="Those that died so long ago or longer.")

    def as_filter(self) -> LetterFilter:
        """Write the choice for the store."""
        age = None if self.older_than_seconds is None else timedelta(seconds=self.older_than_seconds)
        return LetterFilter(ids=self.ids, queue=self.queue, older_than=age)


class ReplayRequest(ChosenLetters):
    """Letters to be sent again; without a condition all open ones, oldest first."""

    limit: int = Field(default=100, ge=1, le=500, description="Letters looked at in one request.")


class ReplayedLetterResource(BaseModel):
    """What is done with one letter."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    queue: str
    type: str
    event_id: UUID | None = Field(description="Under which it is sent again.")
    subject: UUID | None = Field(description="Job it is about.")
    routing_key: str | None = Field(description="Under which it is published; null if that is not known.")
    verdict: Verdict = Field(description="Sent, or why not.")
    detail: str | None = Field(description="Why it is not sent, and what to do instead.")


class ReplayReport(BaseModel):
    """What was sent again, or in a dry run would be."""

    model_config = ConfigDict(from_attributes=True)

    dry_run: bool
    sent: int
    refused: int
    remaining: int = Field(description="Open letters that are meant too, beyond the limit: ask again.")
    letters: list[ReplayedLetterResource]


class PurgedQueue(BaseModel):
    """Letters that died on one queue."""

    model_config = ConfigDict(from_attributes=True)

    queue: str
    letters: int
    replayed: int = Field(description="Those of them that were replayed before.")


class PurgeReport(BaseModel):
    """What was purged, or in a dry run would be."""

    model_config = ConfigDict(from_attributes=True)

    dry_run: bool
    purged: int
    replayed: int = Field(description="Those of them that were replayed before; the others are lost for good.")
    queues: list[PurgedQueue]


@router.get(
    "/dead-letters",
    summary="List dead letters",
    description="Newest first, those that are neither replayed nor purged unless `state` says otherwise. The Link"
    " header leads to older ones.",
    response_model=list[DeadLetterResource],
)
async def dead_letters(
    *,
    request: Request,
    response: Response,
    factory: FactoryParameter,
    state: Annotated[LetterState, Query(description="What became of them.")] = LetterState.OPEN,
    queue: Annotated[str | None, Query(max_length=255, description="Where they died.")] = None,
    older_than_seconds: Annotated[
        AgeSeconds | None, Query(description="Those that died so long ago or longer.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    after: Annotated[
        int | None, Query(ge=0, le=GREATEST_ID, description="Id of the last one of the page before.")
    ] = None,
) -> Sequence[DeadLetter]:
    chosen = ChosenLetters(queue=queue, older_than_seconds=older_than_seconds).as_filter()
    async with factory.unit_of_work() as work:
        letters = await DeadLetterStore(work.session).page(chosen, state=state, before=after, limit=limit)
    if len(letters) == limit:
        link_next(request, response, str(letters[-1].id))
    return letters


@router.post(
    "/dead-letters/replay",
    summary="Send dead letters again",
    description="A dry run unless `dry_run` is false. A letter is sent once, as the same event under its own routing"
    " key, and only while somebody could act on it: letters of ended jobs are refused, with what to do instead.",
    response_model=ReplayReport,
)
async def replay(wanted: ReplayRequest, factory: FactoryParameter, caller: CallerParameter) -> Replay:
    replay_letters = factory.create_replay_dead_letters()
    return await replay_letters(wanted.as_filter(), limit=wanted.limit, dry_run=wanted.dry_run, caller=caller)


@router.post(
    "/dead-letters/purge",
    summary="Purge dead letters",
    description="A dry run unless `dry_run` is false; then at least one condition must say which letters. Replayed ones"
    " go too. What a letter said is erased; that it was there, and why, is kept.",
    response_model=PurgeReport,
)
async def purge(wanted: ChosenLetters, factory: FactoryParameter, caller: CallerParameter) -> Purge:
    return await factory.create_purge_dead_letters()(wanted.as_filter(), dry_run=wanted.dry_run, caller=caller)
