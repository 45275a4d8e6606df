"""Watching work to its end while the connection does what connections do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

import httpx
import pytest

from protea_cli.client import ProteaClient
from protea_cli.errors import ApiError, ServerUnreachableError
from protea_cli.following import Pauses, follow

QUICK: Final = Pauses(poll_seconds=0.01, burst_seconds=0, reconnect_seconds=0.001, patience_seconds=5)
PATIENT: Final = replace(QUICK, poll_seconds=60)
"""Without an event, nothing is looked at within a test's time."""


@dataclass(frozen=True, slots=True)
class State:
    number: int
    is_over: bool


def counting(end: int, *, fails_at: int | None = None) -> Callable[[], Awaitable[State]]:
    """Give states 1, 2, ... of which ``end`` is the last; one question may find nobody."""
    asked = 0

    async def read() -> State:
        nonlocal asked
        asked += 1
        if asked == fails_at:
            raise ServerUnreachableError("restarting")
        return State(asked, is_over=asked >= end)

    return read


class Stream(httpx.AsyncByteStream):
    """Events with the given ids, then the end or a broken connection."""

    def __init__(self, ids: list[int], *, breaks: bool) -> None:
        self._ids = ids
        self._breaks = breaks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for number in self._ids:
            yield f"id: {number}\nevent: job.progress\ndata: {{}}\n\n".encode()
        if self._breaks:
            raise httpx.ReadError("connection reset")


def client_with(answer: Callable[[httpx.Request], httpx.Response]) -> ProteaClient:
    return ProteaClient("http://127.0.0.1:8000", transport=httpx.MockTransport(answer))


async def test_events_say_when_to_look() -> None:
    seen: list[int] = []

    async with client_with(lambda _: httpx.Response(200, stream=Stream([1], breaks=False))) as client:
        last = await follow(
            client, "/v1/jobs/1/stream", read=counting(3), show=lambda s: seen.append(s.number), pauses=PATIENT
        )

    assert last == State(3, is_over=True)
    assert seen == [1, 2, 3]


async def test_a_broken_stream_is_opened_again_behind_the_last_event() -> None:
    last_ids: list[str | None] = []

    def stream(request: httpx.Request) -> httpx.Response:
        last_ids.append(request.headers.get("last-event-id"))
        start = 10 * len(last_ids)
        return httpx.Response(200, stream=Stream([start, start + 1], breaks=True))

    async with client_with(stream) as client:
        await follow(client, "/v1/jobs/1/stream", read=counting(4), show=lambda _: None, pauses=PATIENT)

    assert last_ids[:3] == [None, "11", "21"]


async def test_without_a_stream_looking_once_in_a_while_does() -> None:
    async with client_with(lambda _: httpx.Response(404, json={"title": "Not found"})) as client:
        last = await follow(client, "/v1/jobs/1/stream", read=counting(3), show=lambda _: None, pauses=QUICK)

    assert last.number == 3


async def test_a_server_that_restarts_is_waited_for() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async with client_with(refuse) as client:
        last = await follow(
            client, "/v1/jobs/1/stream", read=counting(4, fails_at=2), show=lambda _: None, pauses=QUICK
        )

    assert last.number == 4


async def test_a_server_that_stays_away_is_given_up() -> None:
    async def nobody() -> State:
        raise ServerUnreachableError("away")

    async with client_with(lambda _: httpx.Response(404)) as client:
        with pytest.raises(ServerUnreachableError, match="away"):
            await follow(client, "/s", read=nobody, show=lambda _: None, pauses=replace(QUICK, patience_seconds=0.01))


async def test_a_refusal_ends_it_at_once() -> None:
    async def refused() -> State:
        raise ApiError("There is no job 1.", answer_status=404, problem={})

    async with client_with(lambda _: httpx.Response(404)) as client:
        with pytest.raises(ApiError, match="no job"):
            await follow(client, "/s", read=refused, show=lambda _: None, pauses=QUICK)
