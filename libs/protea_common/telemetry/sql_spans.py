"""A span for each SQL statement, without its values.

OpenTelemetry's own instrumentation is not used: it copies the driver's error text into the span, and asyncpg quotes the
offending value there, which can be a sequence.
"""

from __future__ import annotations

from typing import Any, Final

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind, StatusCode
from sqlalchemy import Connection, event
from sqlalchemy.engine import ExceptionContext, ExecutionContext
from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["instrument_sqlalchemy_engine"]

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
        span.set_attribute("error.type", type(failure.original_exception).__name__)
        span.set_status(StatusCode.ERROR)
        span.end()


def _remember(execution: Any, span: Span) -> None:
    """Keep a statement's span on its execution context, which lives as long as the statement."""
    execution.protea_span = span


def _recall(execution: object) -> Span | None:
    return getattr(execution, "protea_span", None)
