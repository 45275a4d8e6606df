"""Binary COPY inside a session's transaction: the way for thousands of rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any

import asyncpg
import pgvector.asyncpg
from opentelemetry.trace import Span
from sqlalchemy import Select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.util import find_tables

from protea_common.telemetry import copy_span

__all__ = ["copy_binary", "copy_rows", "read_binary"]


async def copy_rows(session: AsyncSession, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write rows by binary COPY with asyncpg's own encoders; give their number.

    Parameters
    ----------
    session
        A session in a transaction; a rollback takes the rows away again.
    table, columns
        Where the rows go.
    rows
        Values in the order of ``columns``; read as a stream.
    """
    connection = await _driver_connection(session)
    with copy_span(table, database=_database(session)) as span:
        status = await connection.copy_records_to_table(table, records=rows, columns=list(columns))
        return _count(status, span)


async def copy_binary(session: AsyncSession, table: str, columns: Sequence[str], chunks: AsyncIterator[bytes]) -> int:
    """Write rows that are already in PostgreSQL's binary COPY format; give their number.

    References
    ----------
    PostgreSQL documentation, COPY, "Binary Format".
    """
    connection = await _driver_connection(session)
    with copy_span(table, database=_database(session)) as span:
        status = await connection.copy_to_table(table, source=chunks, columns=list(columns), format="binary")
        return _count(status, span)


async def read_binary(
    session: AsyncSession, query: Select[*tuple[Any, ...]], sink: Callable[[bytes], Awaitable[None]]
) -> int:
    """Read rows in PostgreSQL's binary COPY format; give their number.

    Parameters
    ----------
    session
        A session in a transaction, whose snapshot is read.
    query
        What to read; its parameters are written into the statement, since COPY takes none.
    sink
        Awaited with the bytes as they arrive, cut anywhere.

    References
    ----------
    PostgreSQL documentation, COPY, "Binary Format".
    """
    compiled = query.compile(dialect=session.get_bind().dialect, compile_kwargs={"literal_binds": True})
    connection = await _driver_connection(session)
    with copy_span(_first_table(query), database=_database(session)) as span:
        status = await connection.copy_from_query(str(compiled), output=sink, format="binary")
        return _count(status, span)


async def _driver_connection(session: AsyncSession) -> asyncpg.Connection[Any]:
    # The dialect's BEGIN is lazy: without a statement before it, the COPY would stand outside the transaction.
    await session.execute(text("SELECT 1"))
    connection = await session.connection()
    raw = (await connection.get_raw_connection()).driver_connection
    await pgvector.asyncpg.register_vector(raw)  # halfvec has no encoder otherwise
    return raw


def _database(session: AsyncSession) -> str | None:
    return session.get_bind().engine.url.database


def _first_table(query: Select[*tuple[Any, ...]]) -> str:
    tables = [table.description for source in query.get_final_froms() for table in find_tables(source)]
    return str(tables[0]) if tables else "(none)"


def _count(status: str, span: Span) -> int:
    rows = int(status.removeprefix("COPY "))
    span.set_attribute("protea.rows", rows)
    return rows
