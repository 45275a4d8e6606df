"""Where the real data files of the tests lie, and their lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from protea_common.domain.text_stream import read_text_lines

__all__ = ["DEMO_DATA", "EDGE_CASES", "read_chunks", "read_lines"]

DEMO_DATA = Path(__file__).parents[2] / "demo" / "data"
EDGE_CASES = Path(__file__).parents[1] / "data" / "edge_cases"

_MAX_BYTES = 200_000_000


def read_chunks(path: Path, size: int = 65_536) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(size):
            yield chunk


def read_lines(path: Path) -> Iterator[str]:
    return read_text_lines(read_chunks(path), max_decompressed_bytes=_MAX_BYTES)
