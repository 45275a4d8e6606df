"""Answers that are sent while they are made."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Final, cast

from fastapi.encoders import jsonable_encoder
from fastapi.responses import StreamingResponse
from opentelemetry import trace
from opentelemetry.trace import Link, Span, SpanContext
from starlette.types import Send

from protea_common.orm import JobEvent
from protea_common.telemetry import extract_trace_context, get_tracer

__all__ = ["BinaryDownload", "FileDownload", "LiveEvents", "documented_as"]

RETRY_MILLISECONDS: Final = 2_000
"""Pause before a browser reconnects; shorter strains a gateway that is starting."""


class _ClosedAtTheEnd(StreamingResponse):
    """Closes what it reads from when the client goes away: a database cursor must not wait for the collector."""

    async def stream_response(self, send: Send) -> None:
        """Send the answer, then close its source."""
        async with aclosing(cast("AsyncGenerator[bytes]", self.body_iterator)):
            await super().stream_response(send)


class FileDownload(_ClosedAtTheEnd):
    """A file to be kept; a table unless it says otherwise."""

    media_type = "text/tab-separated-values"

    def __init__(self, content: AsyncIterator[bytes], *, filename: str, media_type: str | None = None) -> None:
        headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
        super().__init__(content, headers=headers, media_type=media_type)


class BinaryDownload(FileDownload):
    """A file to be kept, of whatever kind."""

    media_type = "application/octet-stream"


class LiveEvents(_ClosedAtTheEnd):
    """Events of jobs as Server-Sent Events.

    References
    ----------
    WHATWG HTML, section 9.2, "Server-sent events".
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[JobEvent | None]) -> None:
        # Proxies that buffer would hold events back until there are many.
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        asked_by = trace.get_current_span().get_span_context()
        super().__init__(_written(events, asked_by), headers=headers)


def documented_as(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    """Tell the documentation what a route answers that is not JSON."""
    return {200: {"description": description, "content": {media_type: {"schema": {"type": "string"}}}}}


async def _written(events: AsyncIterator[JobEvent | None], asked_by: SpanContext) -> AsyncIterator[bytes]:
    yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
    async with aclosing(cast("AsyncGenerator[JobEvent | None]", events)) as source:
        async for event in source:
            if event is None:
                yield b": still here\n\n"
                continue
            span = _sent(event, asked_by)
            yield _event(event)
            span.end()  # asked for the next one, so this one is sent


def _sent(event: JobEvent, asked_by: SpanContext) -> Span:
    """Span the sending of an event in the trace of its job, with a link to the request that listens."""
    attributes: dict[str, str | int] = {
        "protea.job.id": str(event.job_id),
        "protea.event.id": event.id,
        "protea.event": event.event,
    }
    return get_tracer(__name__).start_span(
        f"live {event.event}",
        context=extract_trace_context({"traceparent": event.job.traceparent}),
        attributes=attributes,
        links=[Link(asked_by)] if asked_by.is_valid else [],
    )


def _event(event: JobEvent) -> bytes:
    columns = ("id", "job_id", "ts", "event", "level", "message", "fields")
    entry = {name: getattr(event, name) for name in columns} | {"trace_id": event.job.trace_id}
    data = json.dumps(jsonable_encoder(entry), separators=(",", ":"))
    return f"id: {event.id}\nevent: {event.event}\ndata: {data}\n\n".encode()
