from __future__ import annotations

import struct
from uuid import UUID

import numpy as np

from protea_predictor.adapters.score_lists import ScoreList, pack_lists, unpack_lists

SET = UUID("00112233-4455-6677-8899-aabbccddeeff")
HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

INT8, FLOAT8 = 20, 701
"""Numbers of the types in pg_type.dat."""


def field(content: bytes) -> bytes:
    """Write a value of a row, as the manual's chapter on COPY says: its size, then itself."""
    return struct.pack("!i", len(content)) + content


def array(number: int, kind: str, *values: float) -> bytes:
    """Write an array as array_send of PostgreSQL's arrayfuncs.c does."""
    dimensions = struct.pack("!ii", len(values), 1) if values else b""
    elements = b"".join(field(struct.pack(f"!{kind}", value)) for value in values)
    return struct.pack("!iiI", 1 if values else 0, 0, number) + dimensions + elements


def lists(name: str, *pairs: tuple[int, float]) -> bytes:
    """Write protein, ids and scores of a row."""
    ids, scores = zip(*pairs, strict=True) if pairs else ((), ())
    return field(name.encode()) + field(array(INT8, "q", *ids)) + field(array(FLOAT8, "d", *scores))


async def packed(*made: ScoreList) -> bytes:
    return b"".join([chunk async for chunk in pack_lists(made, prediction_set_id=SET)])


def score_list(name: str, *pairs: tuple[int, float]) -> ScoreList:
    ids, scores = [each for each, _ in pairs], [score for _, score in pairs]
    return ScoreList(name, np.array(ids, dtype=np.int64), np.array(scores, dtype=np.float64))


async def test_rows_are_written_as_postgresql_reads_them() -> None:
    expected = b"".join(
        struct.pack("!h", 4) + field(SET.bytes) + row
        for row in (lists("P1", (7, 0.25), (2**40, 1.0)), lists("tr|Ü|2", (1, 1e-6)), lists("P3"))
    )
    made = await packed(score_list("P1", (7, 0.25), (2**40, 1.0)), score_list("tr|Ü|2", (1, 1e-6)), score_list("P3"))
    assert made == HEADER + expected + TRAILER


async def test_without_lists_there_is_a_copy_of_nothing() -> None:
    assert await packed() == HEADER + TRAILER
    assert list(unpack_lists(HEADER + TRAILER)) == []


def test_rows_are_read_as_postgresql_writes_them() -> None:
    rows = (lists("P1", (7, 0.25), (2**40, 1.0)), lists("tr|Ü|2", (1, 1e-6)), lists("P3"))
    content = HEADER + b"".join(struct.pack("!h", 3) + row for row in rows) + TRAILER

    found = [(each.accession, each.term_ids.tolist(), each.scores.tolist()) for each in unpack_lists(content)]

    assert found == [("P1", [7, 2**40], [0.25, 1.0]), ("tr|Ü|2", [1], [1e-6]), ("P3", [], [])]
