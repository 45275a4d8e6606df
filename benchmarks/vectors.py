"""Vectors into and out of PostgreSQL against asyncpg's own ways, on the embedded server.

    .venv/bin/python benchmarks/vectors.py [--json] [--rounds N]

In: a binary COPY whose bytes numpy makes, against asyncpg's ``copy_records_to_table`` with pgvector's codec, both into
``sequence_embedding`` with its keys. Out: a binary COPY cut into numpy rows, against asyncpg's ``fetch`` with the codec
and numpy rows made of what it gives. Runs alternate; a ratio is the other way's time divided by ours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np
import pgvector.asyncpg
from folders import traversable_folder
from numpy.typing import NDArray
from pgvector import HalfVector
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db import (
    SessionFactory,
    build_engine,
    build_session_factory,
    copy_binary,
    read_binary,
    session_scope,
)
from protea_common.db.migrations import upgrade_to_head
from protea_common.orm import SequenceEmbedding
from protea_common.settings import Settings
from protea_embedder.adapters.binary_copy import COPY_COLUMNS, copy_chunks
from protea_embedder.domain.stored_vectors import StoredVectors
from protea_predictor.adapters.vector_stream import VectorStream
from protea_standalone.postgres import EmbeddedPostgres

TABLE = "sequence_embedding"
CONFIG_ID = UUID(int=1)
CONVENTION = 1
ROWS, DIMENSION = 10_000, 1_024

_SEQUENCES = """
    INSERT INTO sequence (id, sequence, sequence_hash, length)
    OVERRIDING SYSTEM VALUE
    SELECT n, 'MK', lpad(to_hex(n), 32, '0'), 2 FROM generate_series(1, :rows) AS n
"""
_CONFIG = "INSERT INTO embedding_config (id, model_name, layer_indices) VALUES (:id, 'drawn', '[0]')"

Write = Callable[[AsyncSession, StoredVectors], Awaitable[None]]
Read = Callable[[AsyncSession], Awaitable[NDArray[np.float16]]]


def draw_vectors() -> StoredVectors:
    """Draw vectors, the same every time."""
    return stored(np.random.default_rng(0).standard_normal((ROWS, DIMENSION)).astype(np.float16))


def stored(vectors: NDArray[np.float16]) -> StoredVectors:
    """Give vectors to the sequences 1, 2, 3, ..., shape ``(n, D)``."""
    count = len(vectors)
    return StoredVectors(
        sequence_ids=np.arange(1, count + 1),
        chunk_starts=np.zeros(count, dtype=np.int32),
        chunk_ends=None,
        residues=np.full(count, 2, dtype=np.int32),
        truncated=np.zeros(count, dtype=np.bool_),
        vectors=vectors,
    )


async def ours_in(session: AsyncSession, rows: StoredVectors) -> None:
    """Write rows by bytes that numpy makes."""
    chunks = copy_chunks(rows, embedding_config_id=CONFIG_ID, convention_version=CONVENTION)
    await copy_binary(session, TABLE, COPY_COLUMNS, chunks)


async def theirs_in(session: AsyncSession, rows: StoredVectors) -> None:
    """Write rows by asyncpg's encoders and pgvector's codec."""
    connection = await driver(session)
    records = (
        (int(sequence_id), CONFIG_ID, 0, None, HalfVector(vector), DIMENSION, CONVENTION, 2, False)
        for sequence_id, vector in zip(rows.sequence_ids, rows.vectors, strict=True)
    )
    await connection.copy_records_to_table(TABLE, records=records, columns=list(COPY_COLUMNS))


async def ours_out(session: AsyncSession) -> NDArray[np.float16]:
    """Read all vectors by sequence as numpy rows out of a binary COPY."""
    vectors = np.empty((ROWS + 1, DIMENSION), dtype=np.float16)

    def put(sequence_ids: NDArray[np.int64], values: NDArray[np.float16]) -> None:
        vectors[sequence_ids] = values

    stream = VectorStream(DIMENSION, put)
    await read_binary(session, select(SequenceEmbedding.sequence_id, SequenceEmbedding.embedding), stream.feed)
    stream.finish()
    return vectors[1:]


async def theirs_out(session: AsyncSession) -> NDArray[np.float16]:
    """Read all vectors by sequence by fetch and codec."""
    vectors = np.empty((ROWS + 1, DIMENSION), dtype=np.float16)
    connection = await driver(session)
    for sequence_id, vector in await connection.fetch(f"SELECT sequence_id, embedding FROM {TABLE}"):  # noqa: S608
        vectors[sequence_id] = vector.to_numpy()
    return vectors[1:]


async def driver(session: AsyncSession) -> asyncpg.Connection[Any]:
    """Give asyncpg's connection of a session, inside its transaction, with the codec."""
    await session.execute(text("SELECT 1"))
    raw = (await (await session.connection()).get_raw_connection()).driver_connection
    await pgvector.asyncpg.register_vector(raw)
    return raw


class Measurement:
    """Times both ways on one database.

    Parameters
    ----------
    factory
        Begins sessions.
    rows
        What is written.
    """

    def __init__(self, factory: SessionFactory, rows: StoredVectors) -> None:
        self._factory = factory
        self._rows = rows

    async def write(self, way: Write) -> float:
        """Write into the emptied table; give the seconds."""
        async with session_scope(self._factory) as session:
            await session.execute(text(f"TRUNCATE {TABLE}"))
        started = time.perf_counter()
        async with session_scope(self._factory) as session:
            await way(session, self._rows)
        return time.perf_counter() - started

    async def read(self, way: Read) -> float:
        """Read what was written and see that it is that; give the seconds of the reading."""
        async with session_scope(self._factory) as session:
            started = time.perf_counter()
            vectors = await way(session)
            seconds = time.perf_counter() - started
        if not np.array_equal(vectors, self._rows.vectors):
            raise SystemExit("what was read is not what was written")
        return seconds


async def measure(dsn: str, rounds: int) -> dict[str, float]:
    """Alternate the ways and give the medians of the ratios."""
    into, out = [], []
    async with opened(dsn) as factory:
        measurement = Measurement(factory, draw_vectors())
        for _ in range(rounds):
            theirs, ours = await measurement.write(theirs_in), await measurement.write(ours_in)
            into.append(theirs / ours)
            print(f"in:  asyncpg {ROWS / theirs:8.0f} rows/s   PROTEA {ROWS / ours:8.0f} rows/s")
            theirs, ours = await measurement.read(theirs_out), await measurement.read(ours_out)
            out.append(theirs / ours)
            print(f"out: asyncpg {ROWS / theirs:8.0f} rows/s   PROTEA {ROWS / ours:8.0f} rows/s")
    return {"copy_in_ratio": statistics.median(into), "copy_out_ratio": statistics.median(out)}


@asynccontextmanager
async def opened(dsn: str, *, rows: int = ROWS) -> AsyncIterator[SessionFactory]:
    """Make the tables, and as many sequences that vectors may belong to."""
    engine = build_engine(Settings(db_url=dsn, amqp_url="amqp://unused/"))
    await upgrade_to_head(engine)
    factory = build_session_factory(engine)
    async with session_scope(factory) as session:
        await session.execute(text(_SEQUENCES), {"rows": rows})
        await session.execute(text(_CONFIG), {"id": CONFIG_ID})
    yield factory
    await engine.dispose()


@contextmanager
def server() -> Iterator[str]:
    """Start an empty server; give the address of its database."""
    with (
        traversable_folder("protea-vectors-") as folder,
        EmbeddedPostgres(folder / "server", durable=False, fallback_root=folder) as postgres,
    ):
        yield postgres.dsn("postgres")


def main() -> None:
    """Measure, print a line a run and, with ``--json``, the medians as the last line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--rounds", type=int, default=7, help="runs of each")
    arguments = parser.parse_args()
    with server() as dsn:
        measured = asyncio.run(measure(dsn, arguments.rounds))
    ratios = {name: round(ratio, 4) for name, ratio in measured.items()}
    print("   ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items()))
    if arguments.json:
        print(json.dumps(ratios))


if __name__ == "__main__":
    main()
