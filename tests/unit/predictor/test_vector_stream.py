"""Reading vectors from a binary COPY: rows are made whole however the bytes are cut."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from numpy.typing import NDArray

from protea_predictor.adapters.vector_stream import MixedDimensionsError, VectorStream

HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
TRAILER = struct.pack("!h", -1)


def row(sequence_id: int, *values: float) -> bytes:
    """One row as PostgreSQL's documentation lays it out: two columns, a bigint and a halfvec."""
    halfvec = struct.pack("!HH", len(values), 0) + struct.pack(f"!{len(values)}e", *values)
    return struct.pack("!hiqi", 2, 8, sequence_id, len(halfvec)) + halfvec


class Kept:
    def __init__(self) -> None:
        self.rows: list[tuple[int, list[float]]] = []

    def __call__(self, ids: NDArray[np.int64], vectors: NDArray[np.float16]) -> None:
        assert vectors.dtype == np.float16
        self.rows += zip(ids.tolist(), vectors.tolist(), strict=True)


@pytest.mark.parametrize("cut", [1, 7, 19, 1000])
async def test_rows_are_whole_wherever_the_bytes_are_cut(cut: int) -> None:
    kept = Kept()
    stream = VectorStream(2, kept)
    data = HEADER + row(1 << 40, 0.5, -2.0) + row(7, 1.5, 0.0) + TRAILER

    for start in range(0, len(data), cut):
        await stream.feed(data[start : start + cut])
    stream.finish()

    assert kept.rows == [(1 << 40, [0.5, -2.0]), (7, [1.5, 0.0])]


async def test_many_rows_are_handed_on_before_the_end() -> None:
    kept = Kept()
    stream = VectorStream(64, kept)
    data = HEADER + b"".join(row(number, *[1.0] * 64) for number in range(10_000))

    await stream.feed(data)

    assert len(kept.rows) == 10_000


async def test_no_rows_give_none() -> None:
    kept = Kept()
    stream = VectorStream(2, kept)

    await stream.feed(HEADER + TRAILER)
    stream.finish()

    assert kept.rows == []


@pytest.mark.parametrize("odd", [row(1, 1.0), row(1, 1.0, 2.0, 3.0)])
async def test_a_vector_of_another_length_is_refused(odd: bytes) -> None:
    stream = VectorStream(2, Kept())

    await stream.feed(HEADER + row(1, 1.0, 2.0) + odd + TRAILER)

    with pytest.raises(MixedDimensionsError, match="not all have 2 values"):
        stream.finish()
