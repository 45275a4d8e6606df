"""Rows of numbers out of PostgreSQL as numpy arrays: the way for millions of them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db.copy import read_binary

__all__ = ["read_numbers"]

_HEADER_BYTES: Final = 19
"""Signature, flags and the length of an extension, which PostgreSQL leaves empty."""

_CHUNK_BYTES: Final = 1 << 22
"""Bytes gathered before they are turned into numbers; fewer cost a call a row, more cost memory."""

_WIDTH: Final = 8


async def read_numbers(
    session: AsyncSession, query: Select[*tuple[Any, ...]], kinds: Sequence[type[np.int64 | np.float64]]
) -> tuple[NDArray[Any], ...]:
    """Read rows whose columns are ``bigint`` or ``double precision`` and never null.

    Parameters
    ----------
    session
        A session in a transaction, whose snapshot is read.
    query
        What to read; its parameters are written into the statement.
    kinds
        Type of each column.

    Returns
    -------
    columns
        One array a column, shape ``(n_rows,)``, in the order of the rows.

    Raises
    ------
    ValueError
        If a column has another width than its type, or is null.
    """
    stream = _NumberStream(kinds)
    await read_binary(session, query, stream.feed)
    return stream.finish()


class _NumberStream:
    """Cuts the bytes of a COPY into columns while they arrive."""

    def __init__(self, kinds: Sequence[type[np.int64 | np.float64]]) -> None:
        self._kinds = kinds
        self._row_type = np.dtype(
            [("columns", ">i2")]
            + [
                part
                for number, kind in enumerate(kinds)
                for part in ((f"bytes_{number}", ">i4"), (f"value_{number}", np.dtype(kind).newbyteorder(">")))
            ]
        )
        self._buffer = bytearray()
        self._is_started = False
        self._parts: list[list[NDArray[Any]]] = [[np.empty(0, kind)] for kind in kinds]

    async def feed(self, data: bytes) -> None:
        """Take bytes as they arrive."""
        self._buffer += data
        if len(self._buffer) >= _CHUNK_BYTES:
            self._drain()

    def finish(self) -> tuple[NDArray[Any], ...]:
        """Give the columns; what remains is the format's trailer."""
        self._drain()
        if bytes(self._buffer) != struct.pack("!h", -1):
            message = "The rows of a COPY are not of the numbers that were asked for."
            raise ValueError(message)
        return tuple(np.concatenate(parts) for parts in self._parts)

    def _drain(self) -> None:
        if not self._is_started and len(self._buffer) >= _HEADER_BYTES:
            del self._buffer[:_HEADER_BYTES]
            self._is_started = True
        size = len(self._buffer) // self._row_type.itemsize * self._row_type.itemsize
        rows = np.frombuffer(bytes(self._buffer[:size]), dtype=self._row_type)
        del self._buffer[:size]
        for number, kind in enumerate(self._kinds):
            if (rows[f"bytes_{number}"] != _WIDTH).any():
                message = f"Column {number} of a COPY has a null, or is not of {_WIDTH} bytes."
                raise ValueError(message)
            self._parts[number].append(rows[f"value_{number}"].astype(kind))
