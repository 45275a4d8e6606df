"""Taking a dead letter apart."""

from __future__ import annotations

from uuid import uuid4

import pytest

from protea_common.messaging.bus import HeaderValue, IncomingMessage
from protea_gateway.usecases.dead_letters import read_dead_letter


def message(body: bytes = b'{"job_id":"x"}', message_id: str = "no id", **headers: HeaderValue) -> IncomingMessage:
    return IncomingMessage(
        message_id=message_id,
        routing_key="job.created.ping",
        body=body,
        headers={name.replace("_", "-") if name.startswith("x_") else name: value for name, value in headers.items()},
        queue="protea.dead-letter",
        redelivered=False,
        delivery_count=0,
    )


def test_a_letter_of_a_consumer_tells_what_the_consumer_said() -> None:
    event_id, job_id = uuid4(), uuid4()

    letter = read_dead_letter(
        message(
            message_id=str(event_id),
            cloudEvents_type="job.created",
            cloudEvents_subject=str(job_id),
            x_protea_queue="protea.ping",
            x_protea_reason="line 3 is spoilt",
            x_protea_error_code="SpoiltInputError",
            x_protea_attempts=2,
        )
    )

    assert (letter.event_id, letter.subject, letter.type) == (event_id, job_id, "job.created")
    assert (letter.queue, letter.reason) == ("protea.ping", "line 3 is spoilt")
    assert (letter.error_code, letter.attempts) == ("SpoiltInputError", 2)
    assert (letter.body, letter.body_raw) == ({"job_id": "x"}, None)


def test_a_letter_of_the_broker_tells_where_it_died() -> None:
    letter = read_dead_letter(message(x_first_death_queue="protea.ingest", x_first_death_reason="delivery_limit"))

    assert (letter.queue, letter.reason, letter.error_code) == ("protea.ingest", "delivery_limit", "DeliveryLimit")
    assert (letter.event_id, letter.type, letter.attempts) == (None, "job.created.ping", 0)


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"[1]", b'"text"', b'{"a":"\\u0000"}', b'{"a":"\\ud800"}'])
def test_a_body_that_cannot_be_kept_as_json_is_kept_as_bytes(body: bytes) -> None:
    letter = read_dead_letter(message(body))

    assert (letter.body, letter.body_raw) == (None, body)


def test_characters_that_the_database_refuses_are_left_out_of_headers() -> None:
    assert read_dead_letter(message(x_protea_reason="a\0b")).reason == "ab"
