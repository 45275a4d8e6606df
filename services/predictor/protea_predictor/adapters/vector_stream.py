"""Vectors out of PostgreSQL's binary COPY format, as numpy rows while they arrive."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from protea_common.errors import PermanentError

__all__ = ["MixedDimensionsError", "VectorSink", "VectorStream"]

VectorSink = Callable[[NDArray[np.int64], NDArray[np.float16]], None]
"""Takes sequence ids, shape ``(m,)``, and their vectors, shape ``(m, D)``."""

_SIGNATURE = b"PGCOPY\n\xff\r\n\x00"
_HEADER_BYTES = len(_SIGNATURE) + 8

_CHUNK_BYTES = 1 << 20
"""Bytes gathered before they are turned into rows; fewer cost a call per row, more cost memory."""


class MixedDimensionsError(PermanentError):
    """The embeddings of one recipe differ in length, so they cannot be compared; compute them again."""

    slug: ClassVar[str] = "mixed-dimensions"


class VectorStream:
    """Cuts the bytes of a COPY of ``(sequence_id, embedding)`` into rows; `feed` it, then `finish`.

    References
    ----------
    PostgreSQL documentation, COPY, "Binary Format"; pgvector's ``halfvec_send``: dimension and an unused field of 16
    bits each, then the values as big-endian halves.
    """

    def __init__(self, dimension: int, sink: VectorSink) -> None:
        self._row_type = _row_type(dimension)
        self._sink = sink
        self._expected = _lengths(dimension)
        self._buffer = bytearray()
        self._is_started = False

    async def feed(self, data: bytes) -> None:
        """Take bytes as they arrive."""
        self._buffer += data
        if len(self._buffer) >= _CHUNK_BYTES:
            self._drain()

    def finish(self) -> None:
        """Hand on the last rows; what remains is the format's trailer.

        Raises
        ------
        MixedDimensionsError
            If a row has another length than the first ones.
        """
        self._drain()
        if bytes(self._buffer) != struct.pack("!h", -1):
            raise self._mixed_dimensions()

    def _drain(self) -> None:
        if not self._is_started and len(self._buffer) >= _HEADER_BYTES:
            extension = struct.unpack_from("!i", self._buffer, _HEADER_BYTES - 4)[0]
            del self._buffer[: _HEADER_BYTES + extension]
            self._is_started = True
        size = len(self._buffer) // self._row_type.itemsize * self._row_type.itemsize
        rows = np.frombuffer(bytes(self._buffer[:size]), dtype=self._row_type)
        del self._buffer[:size]
        for name, value in self._expected.items():
            if (rows[name] != value).any():
                raise self._mixed_dimensions()
        if len(rows):
            self._sink(rows["sequence_id"].astype(np.int64), rows["values"].astype(np.float16))

    def _mixed_dimensions(self) -> MixedDimensionsError:
        return MixedDimensionsError(
            f"The embeddings of one recipe differ in length: not all have {self._expected['dimension']} values; embed "
            "again with skip_existing false."
        )


def _row_type(dimension: int) -> np.dtype[np.void]:
    """Lay a row out: the number of columns, then each column's size and value, without gaps."""
    return np.dtype(
        [
            ("columns", ">i2"),
            ("id_bytes", ">i4"),
            ("sequence_id", ">i8"),
            ("vector_bytes", ">i4"),
            ("dimension", ">i2"),
            ("unused", ">i2"),
            ("values", ">f2", (dimension,)),
        ]
    )


def _lengths(dimension: int) -> dict[str, int]:
    """Name what each row must say about its own form."""
    return {"columns": 2, "id_bytes": 8, "vector_bytes": 4 + 2 * dimension, "dimension": dimension}
