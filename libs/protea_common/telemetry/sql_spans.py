"""A span for each SQL statement and each COPY, without their values.

OpenTelemetry's own instrumentation is not used: it copies the driver's error text into the span, and asyncpg quotes the
offending value there, which can be a sequence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind, StatusCode
from sqlalchemy import Connection, event
from sqlalchemy.engine import ExceptionContext, ExecutionContext
from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["copy_span", "instrument_sqlalchemy_engine"]

MAX_STATEMENT_LENGTH: Final = 2_000
"""Characters of a statement kept in its span; a thousand-row INSERT is longer and repeats itself."""


def instrument_sqlalchemy_engine(engine: AsyncEngine) -> None:
    """Make a client span for each statement of ``engine``; does nothing while tracing is off.

    A span holds the statement with its placeholders, never the values, and of an error its class only.

    References
    ----------
    OpenTelemetry semantic conventions for PostgreSQL client spans.
    """
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    event.listen(engine.sync_engine, "before_cursor_execute", _begin)
    event.listen(engine.sync_engine, "after_cursor_execute", _end)
    event.listen(engine.sync_engine, "handle_error", _fail)


@contextmanager
def copy_span(table: str, *, database: str | None) -> Iterator[Span]:
    """Span a COPY, which goes past SQLAlchemy; neither rows nor the statement are told.

    Parameters
    ----------
    table
        The table that is written, or the first one that is read.
    database
        Its name.
    """
    attributes = {
        "db.system.name": "postgresql",
        "db.namespace": database or "",
        "db.operation.name": "COPY",
        "db.collection.name": table,
    }
    with trace.get_tracer(__name__).start_as_current_span(
        f"COPY {table}",
        kind=SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as exc:
            _tell_error(span, exc)
            raise


def _begin(
    connection: Connection,
    _cursor: object,
    statement: str,
    _parameters: object,
    execution: ExecutionContext | None,
    _many: bool,
) -> None:
    if execution is None:
        return
    operation = statement.split(None, 1)[0].upper() if statement.strip() else "EMPTY"
    database = connection.engine.url.database or ""
    attributes = {
        "db.system.name": "postgresql",
        "db.namespace": database,
        "db.operation.name": operation,
        "db.query.text": statement[:MAX_STATEMENT_LENGTH],
    }
    tracer = trace.get_tracer(__name__)
    span = tracer.start_span(f"{operation} {database}", kind=SpanKind.CLIENT, attributes=attributes)
    _remember(execution, span)


def _end(
    _connection: Connection,
    _cursor: object,
    _statement: str,
    _parameters: object,
    execution: ExecutionContext | None,
    _many: bool,
) -> None:
    if (span := _recall(execution)) is not None:
        span.end()


def _fail(failure: ExceptionContext) -> None:
    if (span := _recall(failure.execution_context)) is not None:
        _tell_error(span, failure.original_exception)
        span.end()


def _tell_error(span: Span, exc: BaseException) -> None:
    """Tell the class of an error and PostgreSQL's code for it; the text may quote a value."""
    state = getattr(exc, "sqlstate", None)
    if state is not None:
        span.set_attribute("db.response.status_code", str(state))
    span.set_attribute("error.type", type(exc).__name__)
    span.set_status(StatusCode.ERROR)


def _remember(execution: Any, span: Span) -> None:
    """Keep a statement's span on its execution context, which lives as long as the statement."""
    execution.protea_span = span


def _recall(execution: object) -> Span | None:
    return getattr(execution, "protea_span", None)
