"""Rows of ``sequence_embedding`` in PostgreSQL's binary COPY format, made in numpy buffers."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from protea_embedder.domain.stored_vectors import StoredVectors

__all__ = ["COPY_COLUMNS", "copy_chunks"]

COPY_COLUMNS = (
    "sequence_id",
    "embedding_config_id",
    "chunk_index_s",
    "chunk_index_e",
    "embedding",
    "embedding_dim",
    "convention_version",
    "residues",
    "truncated",
)
"""Columns of a row in the order in which `copy_chunks` writes them."""

_HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
_TRAILER = struct.pack("!h", -1)

_NULL = -1
"""Size of a value that is null."""

_CHUNK_BYTES = 1 << 20
"""Size of a COPY message; smaller costs more messages, greater holds the event loop longer for each."""


async def copy_chunks(
    rows: StoredVectors, *, embedding_config_id: UUID, convention_version: int
) -> AsyncIterator[bytes]:
    """Yield the bytes of a COPY of vectors.

    Parameters
    ----------
    rows
        What to write, one row per vector.
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
    row_type = _row_type(rows.vectors.shape[1], has_chunks=rows.chunk_ends is not None)
    rows_per_chunk = max(_CHUNK_BYTES // row_type.itemsize, 1)
    yield _HEADER
    for start in range(0, len(rows.sequence_ids), rows_per_chunk):
        chosen = slice(start, start + rows_per_chunk)
        table = _frame(len(rows.sequence_ids[chosen]), row_type)
        table["sequence_id"] = rows.sequence_ids[chosen]
        table["embedding_config_id"] = np.frombuffer(embedding_config_id.bytes, dtype=np.uint8)
        table["chunk_index_s"] = rows.chunk_starts[chosen]
        if rows.chunk_ends is not None:
            table["chunk_index_e"] = rows.chunk_ends[chosen]
        table["embedding"]["dimension"] = table["embedding_dim"] = rows.vectors.shape[1]
        table["embedding"]["values"] = rows.vectors[chosen]
        table["convention_version"] = convention_version
        table["residues"] = rows.residues[chosen]
        table["truncated"] = rows.truncated[chosen]
        yield table.tobytes()
    yield _TRAILER


def _row_type(dimension: int, *, has_chunks: bool) -> np.dtype[np.void]:
    """Lay a row out: the number of columns, then each column's size and value, without gaps; null has no value."""
    integer = np.dtype(">i4")
    value_types: dict[str, np.dtype[np.generic]] = {
        "sequence_id": np.dtype(">i8"),
        "embedding_config_id": np.dtype((np.uint8, (16,))),
        "embedding": np.dtype([("dimension", ">i2"), ("unused", ">i2"), ("values", ">f2", (dimension,))]),
        "truncated": np.dtype(np.bool_),
    }
    fields: list[tuple[str, np.dtype[np.generic]]] = [("columns", np.dtype(">i2"))]
    for name in COPY_COLUMNS:
        fields.append((f"{name}_bytes", integer))
        if has_chunks or name != "chunk_index_e":
            fields.append((name, value_types.get(name, integer)))
    return np.dtype(fields)


def _frame(rows: int, row_type: np.dtype[np.void]) -> NDArray[np.void]:
    """Make rows that say how many columns they have and how long each is, -1 for null; the values are still 0."""
    table = np.zeros(rows, dtype=row_type)
    table["columns"] = len(COPY_COLUMNS)
    for name in COPY_COLUMNS:
        table[f"{name}_bytes"] = row_type[name].itemsize if name in (row_type.names or ()) else _NULL
    return table
