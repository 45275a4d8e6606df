"""Rows of ``sequence_embedding`` in PostgreSQL's binary COPY format, made in numpy buffers."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from protea_embedder.domain.stored_vectors import StoredVectors

__all__ = ["COPY_COLUMNS", "copy_chunks"]

COPY_COLUMNS = ("sequence_id", "embedding_config_id", "embedding", "embedding_dim", "convention_version", "residues")
"""Columns of a row in the order in which `copy_chunks` writes them."""

_HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
_TRAILER = struct.pack("!h", -1)

_CHUNK_BYTES = 1 << 20
"""Size of a COPY message; smaller costs more messages, greater holds the event loop longer for each."""


async def copy_chunks(
    rows: StoredVectors, *, embedding_config_id: UUID, convention_version: int
) -> AsyncIterator[bytes]:
    """Yield the bytes of a COPY of vectors.

    Parameters
    ----------
    rows
        What to write, one row per sequence.
    embedding_config_id, convention_version
        The same for every row.

    Yields
    ------
    chunk
        The header, whole rows with columns as in `COPY_COLUMNS`, the trailer.

    References
    ----------
    PostgreSQL documentation, COPY, "Binary Format"; pgvector's ``halfvec_send``: dimension and an unused field of 16
    bits each, then the values as big-endian halves.
    """
    row_type = _row_type(rows.vectors.shape[1])
    rows_per_chunk = max(_CHUNK_BYTES // row_type.itemsize, 1)
    yield _HEADER
    for start in range(0, len(rows.sequence_ids), rows_per_chunk):
        chosen = slice(start, start + rows_per_chunk)
        table = _frame(len(rows.sequence_ids[chosen]), row_type)
        table["sequence_id"] = rows.sequence_ids[chosen]
        table["embedding_config_id"] = np.frombuffer(embedding_config_id.bytes, dtype=np.uint8)
        table["embedding"]["dimension"] = table["embedding_dim"] = rows.vectors.shape[1]
        table["embedding"]["values"] = rows.vectors[chosen]
        table["convention_version"] = convention_version
        table["residues"] = rows.residues[chosen]
        yield table.tobytes()
    yield _TRAILER


def _row_type(dimension: int) -> np.dtype[np.void]:
    """Lay a row out: the number of columns, then each column's size and value, without gaps."""
    halfvec = np.dtype([("dimension", ">i2"), ("unused", ">i2"), ("values", ">f2", (dimension,))])
    uuid = np.dtype((np.uint8, (16,)))
    fields: list[tuple[str, np.dtype[np.generic]]] = [("columns", np.dtype(">i2"))]
    value_types: tuple[np.dtype[np.generic], ...] = (
        np.dtype(">i8"),
        uuid,
        halfvec,
        np.dtype(">i4"),
        np.dtype(">i4"),
        np.dtype(">i4"),
    )
    for name, value_type in zip(COPY_COLUMNS, value_types, strict=True):
        fields += [(f"{name}_bytes", np.dtype(">i4")), (name, value_type)]
    return np.dtype(fields)


def _frame(rows: int, row_type: np.dtype[np.void]) -> NDArray[np.void]:
    """Make rows that say how many columns they have and how long each is; the values are still 0."""
    table = np.zeros(rows, dtype=row_type)
    table["columns"] = len(COPY_COLUMNS)
    for name in COPY_COLUMNS:
        table[f"{name}_bytes"] = row_type[name].itemsize
    return table
