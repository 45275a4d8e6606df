"""Strata of a result as a Parquet file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import parquet

__all__ = ["strata_table"]


def strata_table(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Write rows that all have the same columns; the same rows give the same bytes."""
    buffer = pa.BufferOutputStream()
    parquet.write_table(pa.Table.from_pylist([dict(row) for row in rows]), buffer)
    return bytes(buffer.getvalue())
