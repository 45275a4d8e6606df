"""A trace id for every request, told in its answer; also while no spans are made."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import context, trace
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from protea_common.telemetry import current_trace_id, extract_trace_context

__all__ = ["TRACE_HEADER", "TraceMiddleware"]

TRACE_HEADER: Final = "traceresponse"
"""The header that gives a trace back to who asked: W3C Trace Context Level 3, in the form of ``traceparent``."""


class TraceMiddleware:
    """Answers with ``traceresponse``; a request outside any span continues the caller's trace or gets one of its own.

    It surrounds the answers to errors too, so that each of them has its ``trace_id``.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on inside a trace."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with _traced(Headers(scope=scope)):
            told = _traceresponse()

            async def answer(message: Message) -> None:
                if message["type"] == "http.response.start":
                    MutableHeaders(scope=message)[TRACE_HEADER] = told
                await send(message)

            await self._app(scope, receive, answer)


@contextmanager
def _traced(headers: Headers) -> Iterator[None]:
    if current_trace_id() is not None:
        yield
        return
    token = context.attach(_unrecorded(headers))
    try:
        yield
    finally:
        context.detach(token)


def _unrecorded(headers: Headers) -> context.Context:
    """Continue the caller's trace, or begin one that says that nobody records it."""
    sent = extract_trace_context(headers)
    if trace.get_current_span(sent).get_span_context().is_valid:
        return sent
    # A zero id would be no id (W3C Trace Context, 3.2.2.3): the lowest bit is set.
    numbers = trace.SpanContext(
        trace_id=secrets.randbits(128) | 1,
        span_id=secrets.randbits(64) | 1,
        is_remote=False,
        trace_flags=trace.TraceFlags(trace.TraceFlags.DEFAULT),
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(numbers), context.Context())


def _traceresponse() -> str:
    span = trace.get_current_span().get_span_context()
    return f"00-{trace.format_trace_id(span.trace_id)}-{trace.format_span_id(span.span_id)}-{span.trace_flags:02x}"
