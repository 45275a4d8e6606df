"""Lists of terms and of scores, a row a protein, in PostgreSQL's binary COPY format by way of numpy buffers."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

__all__ = ["LIST_COLUMNS", "SCORE_COLUMNS", "ScoreList", "pack_lists", "unpack_lists"]

LIST_COLUMNS = ("protein_accession", "go_term_ids", "scores")
"""Columns of ``predicted_scores`` that `unpack_lists` reads, in this order."""

SCORE_COLUMNS = ("prediction_set_id", *LIST_COLUMNS)
"""Columns in the order in which `pack_lists` writes them."""

_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
_TRAILER: Final = struct.pack("!h", -1)

_INT8, _FLOAT8 = 20, 701
"""PostgreSQL's numbers of the types ``bigint`` and ``double precision``."""

_ELEMENT_TYPES: Final = {
    number: np.dtype([("size", ">i4"), ("value", kind)]) for number, kind in ((_INT8, ">i8"), (_FLOAT8, ">f8"))
}
_ARRAY_HEADER: Final = struct.Struct("!iiIii")
"""Dimensions, whether there are nulls, type of the elements; of the one dimension its length and first index."""

_EMPTY_ARRAY: Final = struct.Struct("!iiI")


@dataclass(frozen=True, slots=True, eq=False)
class ScoreList:
    """The terms predicted for a protein, ascending by database id, with their scores; shape ``(n,)`` each."""

    accession: str
    term_ids: NDArray[np.int64]
    scores: NDArray[np.float64]


async def pack_lists(lists: Iterable[ScoreList], *, prediction_set_id: UUID) -> AsyncIterator[bytes]:
    """Yield the bytes of a COPY of lists: the header, a row a protein with columns as in `SCORE_COLUMNS`, the trailer.

    References
    ----------
    PostgreSQL documentation, COPY, "Binary Format"; ``array_send`` in its source.
    """
    yield _HEADER
    for each in lists:
        name = each.accession.encode()
        start = struct.pack("!hi16si", len(SCORE_COLUMNS), 16, prediction_set_id.bytes, len(name))
        yield b"".join((start, name, _packed(each.term_ids, _INT8), _packed(each.scores, _FLOAT8)))
    yield _TRAILER


def unpack_lists(content: bytes) -> Iterator[ScoreList]:
    """Read the rows of a COPY of `LIST_COLUMNS`, none of them null."""
    offset = len(_HEADER)
    while not content.startswith(_TRAILER, offset):
        fields = []
        offset += 2  # the number of columns, which is known
        for _ in LIST_COLUMNS:
            (size,) = struct.unpack_from("!i", content, offset)
            fields.append(memoryview(content)[offset + 4 : offset + 4 + size])
            offset += 4 + size
        accession, term_ids, scores = fields
        yield ScoreList(str(accession, "utf-8"), _unpacked(term_ids, _INT8), _unpacked(scores, _FLOAT8))


def _packed(values: NDArray[Any], number: int) -> bytes:
    """Give the size and the bytes of an array of one dimension; an empty one has no dimension."""
    if not len(values):
        return struct.pack("!i", _EMPTY_ARRAY.size) + _EMPTY_ARRAY.pack(0, 0, number)
    elements = np.empty(len(values), _ELEMENT_TYPES[number])
    elements["size"], elements["value"] = 8, values
    size = struct.pack("!i", _ARRAY_HEADER.size + elements.nbytes)
    return size + _ARRAY_HEADER.pack(1, 0, number, len(values), 1) + elements.tobytes()


def _unpacked(field: memoryview, number: int) -> NDArray[Any]:
    elements = np.frombuffer(field[_ARRAY_HEADER.size :], _ELEMENT_TYPES[number])
    return elements["value"].astype(_ELEMENT_TYPES[number]["value"].newbyteorder("="))
