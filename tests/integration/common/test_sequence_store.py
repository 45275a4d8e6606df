"""Sequences of several writers share rows, and a hash never decides alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import create_async_engine

from protea_common.db import SessionFactory, build_session_factory, session_scope
from protea_common.domain.sequence import compute_sequence_hash
from protea_common.orm import Sequence
from protea_common.sequence_store import SequenceHashCollisionError, SequenceStore


@pytest.fixture
async def sessions(migrated_database_url: str) -> AsyncIterator[SessionFactory]:
    engine = create_async_engine(migrated_database_url)
    yield build_session_factory(engine)
    await engine.dispose()


async def upsert(sessions: SessionFactory, *sequences: str) -> dict[str, int]:
    async with session_scope(sessions) as session:
        return await SequenceStore(session).upsert(sequences)


async def test_every_distinct_sequence_gets_one_row_with_hash_and_length(sessions: SessionFactory) -> None:
    ids = await upsert(sessions, "MKV", "MK", "MKV")

    async with session_scope(sessions) as session:
        rows = (await session.scalars(select(Sequence).order_by(Sequence.length))).all()
    assert [(row.id, row.sequence, row.sequence_hash, row.length) for row in rows] == [
        (ids["MK"], "MK", compute_sequence_hash("MK"), 2),
        (ids["MKV"], "MKV", compute_sequence_hash("MKV"), 3),
    ]


async def test_no_sequences_give_no_ids(sessions: SessionFactory) -> None:
    assert await upsert(sessions) == {}


async def test_a_known_sequence_keeps_its_row(sessions: SessionFactory) -> None:
    first = await upsert(sessions, "MK", "MKV")

    second = await upsert(sessions, "MKV", "MKVL")

    assert second["MKV"] == first["MKV"]
    assert second["MKVL"] not in first.values()


async def test_it_can_be_asked_twice_in_a_transaction(sessions: SessionFactory) -> None:
    async with session_scope(sessions) as session:
        store = SequenceStore(session)

        first, second = await store.upsert(["MK"]), await store.upsert(["MK", "MKV"])

    assert second["MK"] == first["MK"]


async def test_two_writers_of_the_same_sequences_in_another_order_share_the_rows(sessions: SessionFactory) -> None:
    sequences = ["MK" + "A" * length for length in range(2_000)]

    one, other = await asyncio.gather(upsert(sessions, *sequences), upsert(sessions, *reversed(sequences)))

    assert one == other
    async with session_scope(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(Sequence)) == 2_000


async def test_another_sequence_with_the_same_hash_is_refused_by_the_hash_alone(sessions: SessionFactory) -> None:
    async with session_scope(sessions) as session:
        session.add(Sequence(sequence="WWWW", sequence_hash=compute_sequence_hash("MKVL"), length=4))

    with pytest.raises(SequenceHashCollisionError, match=compute_sequence_hash("MKVL")) as caught:
        await upsert(sessions, "MK", "MKVL")

    assert "MKVL" not in str(caught.value)
    async with session_scope(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(Sequence)) == 1
