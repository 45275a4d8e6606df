"""Watching work on the server until it ends: its event stream says when to look, its status says what is.

The stream may break or be missing (a proxy that does not pass it on): then looking once in a while has to do.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from protea_cli.client import ProteaClient
from protea_cli.errors import ApiError, ServerUnreachableError
from protea_cli.server_events import EventDecoder

__all__ = ["Followed", "Pauses", "follow"]


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long to wait for what.

    Attributes
    ----------
    poll_seconds
        Between two looks without an event: longer, a broken stream shows; shorter only asks more.
    burst_seconds
        After a look: events that come in a burst are worth one.
    reconnect_seconds
        Before a server that was away is asked again, or a stream opened again unless the server names another time.
    patience_seconds
        How long a server may be away, for a restart say, before it is given up; the work goes on without us.
    """

    poll_seconds: float = 2.0
    burst_seconds: float = 0.1
    reconnect_seconds: float = 1.0
    patience_seconds: float = 60.0


PAUSES: Final = Pauses()


class Followed(Protocol):
    """State of something that ends."""

    @property
    def is_over(self) -> bool:
        """Whether it will not change any more."""


State = TypeVar("State", bound=Followed)


async def follow(
    client: ProteaClient,
    stream_path: str,
    *,
    read: Callable[[], Awaitable[State]],
    show: Callable[[State], None],
    pauses: Pauses = PAUSES,
) -> State:
    """Read a state, and again whenever the stream tells of a change, until it is over; give the last one.

    Parameters
    ----------
    stream_path
        The server's event stream about it.
    read
        Asks the server for the state.
    show
        Called with each state that was read.
    pauses
        How long to wait for what.

    Raises
    ------
    ServerUnreachableError
        If the server is away for longer than a restart takes.
    ApiError
        If it refuses to tell.
    """
    changed = asyncio.Event()
    async with _listening(client, stream_path, changed, pauses):
        while True:
            changed.clear()
            state = await _read_patiently(read, pauses)
            show(state)
            if state.is_over:
                return state
            await asyncio.sleep(pauses.burst_seconds)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pauses.poll_seconds):
                    await changed.wait()


async def _read_patiently(read: Callable[[], Awaitable[State]], pauses: Pauses) -> State:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + pauses.patience_seconds
    while True:
        try:
            return await read()
        except ServerUnreachableError:
            if loop.time() > deadline:
                raise
        await asyncio.sleep(pauses.reconnect_seconds)


@asynccontextmanager
async def _listening(client: ProteaClient, path: str, changed: asyncio.Event, pauses: Pauses) -> AsyncIterator[None]:
    listener = asyncio.create_task(_listen(client, path, changed, pauses))
    try:
        yield
    finally:
        listener.cancel()
        await asyncio.wait({listener})


async def _listen(client: ProteaClient, path: str, changed: asyncio.Event, pauses: Pauses) -> None:
    """Set ``changed`` at each event; ends when the server has no such stream."""
    decoder = EventDecoder()
    while True:
        try:
            decoder.begin_stream()
            async for line in client.stream_lines(path, last_event_id=decoder.last_event_id):
                if decoder.feed(line) is not None:
                    changed.set()
        except ServerUnreachableError:
            pass
        except ApiError:
            # Looking once in a while does without it.
            return
        await asyncio.sleep(decoder.retry_seconds or pauses.reconnect_seconds)
