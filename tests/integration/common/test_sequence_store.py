"""Sequences of several writers share rows, and a hash never decides alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import create_async_engine

from protea_common.db import SessionFactory, build_session_factory, copy_rows, session_scope
from protea_common.domain.sequence import compute_sequence_hash
from protea_common.orm import Sequence
from protea_common.sequence_store import SequenceHashCollisionError, SequenceStore


@pytest.fixture
async def sessions(migrated_database_url: str) -> AsyncIterator[SessionFactory]:
    engine = create_async_engine(migrated_database_url)
    yield build_session_factory(engine)
    await engine.dispose()


async def merge(sessions: SessionFactory, *sequences: str) -> int:
    async with session_scope(sessions) as session:
        await session.execute(text("CREATE TEMPORARY TABLE brought (sequence_hash text, sequence text) ON COMMIT DROP"))
        rows = ((compute_sequence_hash(sequence), sequence) for sequence in sequences)
        await copy_rows(session, "brought", ("sequence_hash", "sequence"), rows)
        return await SequenceStore(session).merge("brought")


async def stored(sessions: SessionFactory) -> dict[str, int]:
    async with session_scope(sessions) as session:
        return {row.sequence: row.id for row in await session.execute(select(Sequence.sequence, Sequence.id))}


async def test_every_distinct_sequence_gets_one_row_with_hash_and_length(sessions: SessionFactory) -> None:
    assert await merge(sessions, "MKV", "MK", "MKV") == 2

    async with session_scope(sessions) as session:
        rows = (await session.scalars(select(Sequence).order_by(Sequence.length))).all()
    assert [(row.sequence, row.sequence_hash, row.length) for row in rows] == [
        ("MK", compute_sequence_hash("MK"), 2),
        ("MKV", compute_sequence_hash("MKV"), 3),
    ]


async def test_no_sequences_add_nothing(sessions: SessionFactory) -> None:
    assert await merge(sessions) == 0


async def test_a_known_sequence_keeps_its_row(sessions: SessionFactory) -> None:
    await merge(sessions, "MK", "MKV")
    before = await stored(sessions)

    assert await merge(sessions, "MKV", "MKVL") == 1

    after = await stored(sessions)
    assert after.items() > before.items()
    assert after.keys() == {"MK", "MKV", "MKVL"}


async def test_two_writers_of_the_same_sequences_in_another_order_share_the_rows(sessions: SessionFactory) -> None:
    sequences = ["MK" + "A" * length for length in range(2_000)]

    added = await asyncio.gather(merge(sessions, *sequences), merge(sessions, *reversed(sequences)))

    assert sum(added) == 2_000
    assert (await stored(sessions)).keys() == set(sequences)


async def test_another_sequence_with_the_same_hash_is_refused_by_the_hash_alone(sessions: SessionFactory) -> None:
    async with session_scope(sessions) as session:
        session.add(Sequence(sequence="WWWW", sequence_hash=compute_sequence_hash("MKVL"), length=4))

    with pytest.raises(SequenceHashCollisionError, match=compute_sequence_hash("MKVL")) as caught:
        await merge(sessions, "MK", "MKVL")

    assert "MKVL" not in str(caught.value)
    assert (await stored(sessions)).keys() == {"WWWW"}


async def test_two_sequences_with_the_same_hash_in_one_table_are_refused(sessions: SessionFactory) -> None:
    with pytest.raises(SequenceHashCollisionError):
        async with session_scope(sessions) as session:
            await session.execute(
                text(
                    "CREATE TEMPORARY TABLE brought ON COMMIT DROP AS SELECT md5('') AS sequence_hash, 'MK' AS sequence"
                )
            )
            await session.execute(text("INSERT INTO brought VALUES (md5(''), 'MKV')"))
            await SequenceStore(session).merge("brought")

    assert await stored(sessions) == {}
