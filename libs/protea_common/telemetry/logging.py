"""Logs as one JSON object per line, each with the trace it belongs to."""

from __future__ import annotations

import json as json_format
import logging
from datetime import UTC, datetime
from typing import Final

from opentelemetry import trace

__all__ = ["JSONFormatter", "configure_logging"]

PLAIN_FORMAT: Final = "%(asctime)s %(levelname)-8s %(name)s: %(message)s"

OWN_ATTRIBUTES: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message"}
"""What a record carries by itself; everything else came in as ``extra`` (uvicorn repeats its message in colour)."""


class JSONFormatter(logging.Formatter):
    """Writes a record as one line of JSON.

    Keys are ``timestamp`` (ISO 8601, UTC), ``level``, ``logger``, ``message``, every ``extra``, ``trace_id`` and
    ``span_id`` inside a span, ``exception`` and ``stack`` where there is one. An extra cannot replace one of these.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Write one line; a value that JSON does not know is written as its text."""
        entry = _extras(record) | _span() | self._failure(record) | _head(record)
        try:
            return json_format.dumps(entry, default=str, allow_nan=False)
        except (TypeError, ValueError):
            # NaN, a key that is no text, a list that contains itself: a log line is not lost for those.
            return json_format.dumps({name: str(value) for name, value in entry.items()})

    def _failure(self, record: logging.LogRecord) -> dict[str, object]:
        failure: dict[str, object] = {}
        if record.exc_info:
            failure["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            failure["stack"] = self.formatStack(record.stack_info)
        return failure


class _ProcessHandler(logging.StreamHandler):  # type: ignore[type-arg]  # not generic at run time
    """The handler that ``configure_logging`` owns."""


def configure_logging(*, json: bool = True, level: str = "INFO") -> None:
    """Send the process's logs to standard error; a second call replaces the first.

    Parameters
    ----------
    json
        One JSON object per line; plain text for people otherwise.
    level
        Lowest level that is written, by name.
    """
    handler = _ProcessHandler()
    handler.setFormatter(JSONFormatter() if json else logging.Formatter(PLAIN_FORMAT))
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _ProcessHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)


def _head(record: logging.LogRecord) -> dict[str, object]:
    return {
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
        "level": record.levelname,
        "logger": record.name,
        "message": record.getMessage(),
    }


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in record.__dict__.items() if name not in OWN_ATTRIBUTES}


def _span() -> dict[str, object]:
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}
