"""Log lines as a collector reads them."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from protea_common.telemetry import JSONFormatter, configure_logging

TRACE_ID = 0x4BF92F3577B34DA6A3CE929D0E0E4736
SPAN_ID = 0x00F067AA0BA902B7


def record(message: str = "batch done", *arguments: object, **extra: object) -> logging.LogRecord:
    return logging.getLogger("protea.test").makeRecord(
        "protea.test", logging.INFO, __file__, 1, message, arguments, None, extra=extra
    )


def formatted(entry: logging.LogRecord) -> dict[str, object]:
    line = JSONFormatter().format(entry)
    assert "\n" not in line
    parsed = json.loads(line)
    assert isinstance(parsed, dict)
    return parsed


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_has_time_level_logger_message_and_every_extra() -> None:
    line = formatted(record("batch %d done", 7, job_id="j1", residues=1234))
    assert datetime.fromisoformat(str(line.pop("timestamp"))).utcoffset() == timedelta(0)
    assert line == {
        "level": "INFO",
        "logger": "protea.test",
        "message": "batch 7 done",
        "job_id": "j1",
        "residues": 1234,
    }


def test_an_extra_cannot_replace_what_every_line_has() -> None:
    assert formatted(record(level="fine", timestamp="never"))["level"] == "INFO"


def test_an_exception_stays_on_the_line_it_belongs_to() -> None:
    entry = record()
    try:
        1 / 0  # noqa: B018 - the error is what is wanted
    except ZeroDivisionError:
        entry.exc_info = sys.exc_info()
    assert "ZeroDivisionError: division by zero" in str(formatted(entry)["exception"])


def test_a_line_inside_a_span_names_the_trace_and_the_span() -> None:
    span = NonRecordingSpan(SpanContext(TRACE_ID, SPAN_ID, is_remote=False, trace_flags=TraceFlags(1)))
    with use_span(span):
        line = formatted(record())
    assert line["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert line["span_id"] == "00f067aa0ba902b7"
    assert "trace_id" not in formatted(record())


def test_values_that_json_does_not_know_are_written_as_text() -> None:
    circle: list[object] = []
    circle.append(circle)
    assert formatted(record(path=Path("a/b")))["path"] == "a/b"
    assert formatted(record(score=float("nan")))["score"] == "nan"
    assert formatted(record(pairs={("a", "b"): 1}))["pairs"] == "{('a', 'b'): 1}"
    assert formatted(record(circle=circle))["circle"] == "[[...]]"


def test_configuring_twice_writes_each_line_once(
    root_logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(json=False)
    configure_logging(level="WARNING")
    logging.getLogger("protea.test").info("too quiet")
    logging.getLogger("protea.test").warning("heard", extra={"queue": "protea.ingest"})
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["queue"] == "protea.ingest"


def test_plain_text_is_for_people(root_logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(json=False)
    logging.getLogger("protea.test").info("hello")
    assert capsys.readouterr().err.endswith("INFO     protea.test: hello\n")


def test_a_process_logs_to_standard_error_only() -> None:
    program = "import logging; from protea_common.telemetry import configure_logging as c; c(); logging.info('x')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert json.loads(done.stderr)["message"] == "x"
