"""Spans of messages while tracing is off: contexts travel on, nothing is copied, names are the topology's."""

from __future__ import annotations

import pytest

from protea_common.messaging.bus import OutgoingMessage
from protea_common.messaging.topology import EVENTS_EXCHANGE
from protea_common.messaging.tracing import sent_messages
from protea_common.telemetry import EVENTS_DESTINATION, created_message, message_attributes, work_span

# The example of the W3C Trace Context recommendation, section 3.2.4.
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_the_destination_of_spans_is_the_exchange_that_events_go_through() -> None:
    assert EVENTS_DESTINATION == EVENTS_EXCHANGE


def test_without_tracing_a_message_carries_the_context_that_it_was_created_in() -> None:
    with created_message({"traceparent": TRACEPARENT, "cloudEvents_id": "1"}, routing_key="k", message_id="1") as sent:
        assert sent == {"traceparent": TRACEPARENT, "cloudEvents_id": "1"}


def test_without_tracing_or_a_request_a_message_carries_no_context() -> None:
    with created_message({"cloudEvents_id": "1"}, routing_key="k", message_id="1") as sent:
        assert sent == {"cloudEvents_id": "1"}


def test_without_tracing_the_relay_sends_the_messages_as_they_are() -> None:
    messages = [OutgoingMessage(message_id="1", routing_key="k", body=b"{}", headers={"traceparent": TRACEPARENT})]

    with sent_messages(messages) as sent:
        assert sent is messages


def test_what_fails_inside_a_span_goes_on_failing() -> None:
    with pytest.raises(ValueError, match="as it was"), work_span("work", {}):
        raise ValueError("as it was")


@pytest.mark.parametrize(("queue", "destination"), [(None, "protea.events:k"), ("q", "protea.events:k:q")])
def test_a_destination_is_exchange_routing_key_and_for_consumers_queue(queue: str | None, destination: str) -> None:
    attributes = message_attributes("process", "process", routing_key="k", message_id="1", queue=queue)

    assert attributes["messaging.destination.name"] == destination
