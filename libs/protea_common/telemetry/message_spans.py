"""Spans of messages on their way: created with their rows, sent by a relay, processed by a consumer.

Names and attributes are those of OpenTelemetry's conventions for messaging systems and RabbitMQ. Bodies never show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue

from protea_common.telemetry.tracing import extract_trace_context, get_tracer, inject_trace_context

__all__ = ["EVENTS_DESTINATION", "created_message", "fail_span", "message_attributes", "work_span"]

EVENTS_DESTINATION: Final = "protea.events"
"""The exchange that all events go through, as the topology names it."""


@contextmanager
def created_message(headers: Mapping[str, str], *, routing_key: str, message_id: str) -> Iterator[dict[str, str]]:
    """Span the writing of an event's outbox row; give the headers, with the span's context in place of the old one.

    Parameters
    ----------
    headers
        Envelope and ``traceparent`` of what the event tells of; without one the span begins a trace.
    routing_key, message_id
        Of the message that the row will become.
    """
    attributes = message_attributes("create", "create", routing_key=routing_key, message_id=message_id)
    with get_tracer(__name__).start_as_current_span(
        f"create {attributes['messaging.destination.name']}",
        context=extract_trace_context(headers),
        kind=SpanKind.PRODUCER,
        attributes=attributes,
        record_exception=False,  # a driver's text may quote a user's data
        set_status_on_exception=False,
    ) as span:
        try:
            yield inject_trace_context(dict(headers))
        except BaseException as exc:
            fail_span(span, exc)
            raise


def message_attributes(
    name: str, kind: str, *, routing_key: str, message_id: str, queue: str | None = None
) -> dict[str, str | int]:
    """Describe what is done with a message.

    Parameters
    ----------
    name, kind
        The operation in RabbitMQ's words, and its type in those of the conventions.
    routing_key, message_id
        Of the message.
    queue
        Where it was read from, if it was.

    References
    ----------
    OpenTelemetry semantic conventions for RabbitMQ, 1.38: a producer's destination is ``exchange:routing key``, a
    consumer's ends with the queue.
    """
    parts = (EVENTS_DESTINATION, routing_key, queue)
    return {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": name,
        "messaging.operation.type": kind,
        "messaging.destination.name": ":".join(part for part in parts if part),
        "messaging.rabbitmq.destination.routing_key": routing_key,
        "messaging.message.id": message_id,
    }


@contextmanager
def work_span(name: str, attributes: Mapping[str, AttributeValue]) -> Iterator[Span]:
    """Span a piece of our own work; of an error only its class is told."""
    with get_tracer(__name__).start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except BaseException as exc:
            fail_span(span, exc)
            raise


def fail_span(span: Span, exc: BaseException) -> None:
    """Mark a span as failed, by the error's class alone: its text may quote a user's data."""
    span.set_attribute("error.type", type(exc).__name__)
    span.set_status(StatusCode.ERROR)
