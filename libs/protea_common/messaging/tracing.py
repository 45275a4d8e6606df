"""Spans on the two sides of the broker: a message that is sent, a message that is processed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind

from protea_common.messaging.bus import IncomingMessage, OutgoingMessage
from protea_common.telemetry import (
    extract_trace_context,
    fail_span,
    get_tracer,
    inject_trace_context,
    is_tracing,
    message_attributes,
)

__all__ = ["consumer_span", "sent_messages"]


@contextmanager
def sent_messages(messages: Sequence[OutgoingMessage]) -> Iterator[Sequence[OutgoingMessage]]:
    """Span the sending of each message, to its confirmation; give the messages with their spans' contexts.

    Each span continues the trace of its own message, whoever relays it. While tracing is off nothing is copied.
    """
    if not is_tracing():
        yield messages
        return
    spans = [_sending(message) for message in messages]
    try:
        yield [_carrying(message, span) for message, span in zip(messages, spans, strict=True)]
    except BaseException as exc:
        for span in spans:
            fail_span(span, exc)
        raise
    finally:
        for span in spans:
            span.end()


@contextmanager
def consumer_span(message: IncomingMessage, *, operation: str, is_broadcast: bool = False) -> Iterator[None]:
    """Continue the sender's trace while a message is handled.

    Parameters
    ----------
    message
        What was delivered.
    operation
        What is done with it, in our own words.
    is_broadcast
        Whether its queue is one of many short-lived ones, whose names mean nothing.

    References
    ----------
    OpenTelemetry semantic conventions for messaging spans and for RabbitMQ.
    """
    queue = None if is_broadcast else message.queue
    attributes = message_attributes(
        "process", "process", routing_key=message.routing_key, message_id=message.message_id, queue=queue
    )
    attributes |= {
        "messaging.message.body.size": len(message.body),
        "protea.operation": operation,
        "protea.redelivered": message.redelivered,
    }
    if is_broadcast:
        attributes["messaging.destination.anonymous"] = True
    with get_tracer(__name__).start_as_current_span(
        f"process {attributes['messaging.destination.name']}",
        context=extract_trace_context(message.headers),
        kind=SpanKind.CONSUMER,
        attributes=attributes,
        record_exception=False,  # an exception's text may quote a user's data
        set_status_on_exception=False,
    ):
        yield


def _sending(message: OutgoingMessage) -> Span:
    attributes = message_attributes("publish", "send", routing_key=message.routing_key, message_id=message.message_id)
    return get_tracer(__name__).start_span(
        f"publish {attributes['messaging.destination.name']}",
        context=extract_trace_context(message.headers),
        kind=SpanKind.PRODUCER,
        attributes=attributes,
    )


def _carrying(message: OutgoingMessage, span: Span) -> OutgoingMessage:
    headers = inject_trace_context(dict(message.headers), trace.set_span_in_context(span, Context()))
    return replace(message, headers=headers)
