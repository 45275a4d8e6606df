"""The screen of ``protea status``."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from protea_cli.status import LONGEST_MESSAGE, draw_status

SEEN: dict[str, Any] = {
    "observed_at": "2026-11-24T12:00:00+00:00",
    "versions": {"protea": "0.1.0", "python": "3.11.7", "postgresql": "18.6 (Debian)", "database_schema": "abc123"},
    "broker_error": None,
    "queues": [
        {
            "name": "protea.embeddings.batch",
            "service": "protea-embedder",
            "ready": 1234,
            "unacknowledged": 2,
            "consumers": 3,
            "oldest_open_seconds": 7500.0,
        }
    ],
    "workers": [
        {
            "worker": "gpu-1:17",
            "service": "protea-embedder",
            "queue": "protea.embeddings.batch",
            "holds": 2,
            "expired": 1,
            "since": "2026-11-24T11:59:00+00:00",
            "heartbeat_at": "2026-11-24T11:59:57+00:00",
            "lease_until": "2026-11-24T11:59:50+00:00",
        }
    ],
    "leases": {"held": 2, "expired": 1, "next_expiry": "2026-11-24T12:00:05+00:00"},
    "jobs": {"active": {"QUEUED": 4, "RUNNING": 1}, "ended_last_day": {"SUCCEEDED": 9, "FAILED": 1, "CANCELLED": 0}},
    "outbox": {"unsent": 3, "delayed": 1, "oldest_seconds": 90.0},
    "dead_letters": {"open": 2, "oldest_seconds": 3600.0},
    "errors": [
        {
            "ts": "2026-11-24T11:58:00+00:00",
            "event": "job.failed",
            "job_id": "0b6f",
            "operation": "ping",
            "error_code": "SpoiltError",
            "message": "line 3 is [spoilt] " + "x" * 300,
        }
    ],
}


def drawn(seen: dict[str, Any]) -> str:
    console = Console(width=300, record=True, highlight=False, file=None, force_terminal=False)
    with console.capture() as capture:
        console.print(draw_status(seen, url="http://protea:8000"))
    return capture.get()


def line_with(text: str, part: str) -> str:
    return next(" ".join(line.split()) for line in text.splitlines() if part in line)


def test_one_screen_has_queues_workers_leases_lag_and_errors() -> None:
    text = drawn(SEEN)

    assert line_with(text, "1,234") == "protea.embeddings.batch protea-embedder 1,234 2 3 2 h 5 min"
    assert line_with(text, "gpu-1:17").endswith("2 1 min 3 s ago expired 10 s ago")
    assert line_with(text, "leases  ") == "leases 2 held, 1 expired, the next ends in 5 s"
    assert line_with(text, "outbox  ") == "outbox 3 unsent (the oldest for 1 min 30 s), 1 delayed"
    assert line_with(text, "dead letters  ") == "dead letters 2 open (the oldest for 1 h)"
    assert "jobs          4 queued, 1 running; of the last day's: 9 succeeded, 1 failed, 0 cancelled" in text
    assert "PROTEA 0.1.0 at http://protea:8000, 2026-11-24 12:00:00 UTC (PostgreSQL 18.6, schema abc123" in text


def test_an_error_is_shown_as_it_was_said_and_cut_to_a_line() -> None:
    line = line_with(drawn(SEEN), "SpoiltError")

    assert "2 min job.failed ping SpoiltError: line 3 is [spoilt] xxx" in line
    assert "…" in line
    assert line.count("x") <= LONGEST_MESSAGE


def test_a_broker_that_is_away_shows_as_question_marks_and_a_reason() -> None:
    queue = SEEN["queues"][0] | {"ready": None, "consumers": None}
    text = drawn(SEEN | {"queues": [queue], "broker_error": "RabbitMQ does not answer"})

    assert line_with(text, "2 h 5 min") == "protea.embeddings.batch protea-embedder ? 2 ? 2 h 5 min"
    assert "broker: RabbitMQ does not answer" in text


def test_an_idle_platform_says_so() -> None:
    idle = {"workers": [], "errors": [], "leases": {"held": 0, "expired": 0, "next_expiry": None}}
    text = drawn(SEEN | idle | {"outbox": {"unsent": 0, "delayed": 0, "oldest_seconds": None}})

    assert "No worker holds a lease." in text
    assert "No errors." in text
    assert "outbox        0 unsent, 0 delayed" in text
