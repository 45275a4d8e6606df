"""The consumer span of a message, a child of the span that published it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import SpanKind

from protea_common.messaging.bus import IncomingMessage
from protea_common.telemetry import extract_trace_context, get_tracer

__all__ = ["consumer_span"]


@contextmanager
def consumer_span(message: IncomingMessage, *, operation: str) -> Iterator[None]:
    """Continue the publisher's trace while a message is handled.

    References
    ----------
    OpenTelemetry semantic conventions for messaging spans.
    """
    attributes = {
        "messaging.system": "rabbitmq",
        "messaging.operation.type": "process",
        "messaging.destination.name": message.queue,
        "messaging.message.id": message.message_id,
        "protea.operation": operation,
    }
    with get_tracer(__name__).start_as_current_span(
        f"process {message.queue}",
        context=extract_trace_context(message.headers),
        kind=SpanKind.CONSUMER,
        attributes=attributes,
        record_exception=False,  # an exception's text may quote a user's data
        set_status_on_exception=False,
    ):
        yield
