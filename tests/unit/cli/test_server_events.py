"""Reading Server-Sent Events; the streams are the examples of the HTML standard, section 9.2.6."""

from __future__ import annotations

from protea_cli.server_events import EventDecoder, ServerEvent


def decode(stream: str, decoder: EventDecoder | None = None) -> list[ServerEvent]:
    decoder = decoder or EventDecoder()
    return [event for line in stream.splitlines() if (event := decoder.feed(line)) is not None]


def test_lines_of_data_are_joined() -> None:
    assert decode("data: YHOO\ndata: +2\ndata: 10\n\n") == [ServerEvent("message", "YHOO\n+2\n10")]


def test_comments_are_passed_over_and_ids_kept() -> None:
    stream = ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n"
    decoder = EventDecoder()

    events = decode(stream, decoder)

    # The third is never complete: no blank line follows it. One blank after the colon belongs to the syntax.
    assert events == [ServerEvent("message", "first event"), ServerEvent("message", "second event")]
    assert decoder.last_event_id == ""


def test_empty_data_is_an_event_and_no_data_is_none() -> None:
    assert decode("data\n\ndata\ndata\n\ndata:") == [ServerEvent("message", ""), ServerEvent("message", "\n")]
    assert decode("event: job.progress\n\n") == []


def test_an_event_has_the_name_that_came_with_it_alone() -> None:
    events = decode("event: job.progress\nid: 7\ndata: {}\n\ndata: {}\n\n")

    assert [event.name for event in events] == ["job.progress", "message"]


def test_the_last_id_outlives_a_broken_connection_and_the_half_event_does_not() -> None:
    decoder = EventDecoder()
    decode("id: 41\ndata: a\n\nevent: job.failed\ndata: half", decoder)

    decoder.begin_stream()

    assert decode("data: b\n\n", decoder) == [ServerEvent("message", "b")]
    assert decoder.last_event_id == "41"


def test_the_server_may_name_the_pause_before_a_reconnect() -> None:
    decoder = EventDecoder()

    decode("retry: 2500\n\nretry: soon\n\n", decoder)

    assert decoder.retry_seconds == 2.5
