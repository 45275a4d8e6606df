"""A file that a request brought, spooled to memory or disk by the server before we read it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final

__all__ = ["ReceivedFile"]

CHUNK_BYTES: Final = 262_144
"""Read at a time: smaller costs switches between threads, larger costs memory per request."""

SPOOL_BYTES: Final = 1_048_576
"""Kept in memory up to this size, on disk beyond it."""


class ReceivedFile:
    """Reads a spooled file from its beginning, as often as needed.

    Attributes
    ----------
    filename
        As the client called it; not to be trusted.
    """

    def __init__(self, file: BinaryIO, *, filename: str | None = None) -> None:
        self._file = file
        self.filename = filename

    def chunks(self) -> Iterator[bytes]:
        """Read it piece by piece, for a thread."""
        self._file.seek(0)
        while chunk := self._file.read(CHUNK_BYTES):
            yield chunk

    async def achunks(self) -> AsyncIterator[bytes]:
        """Read it piece by piece, each on a thread."""
        pieces = self.chunks()
        while (chunk := await asyncio.to_thread(next, pieces, b"")) != b"":
            yield chunk

    async def measure(self) -> tuple[str, int]:
        """Give its SHA-256 in hex and its size in bytes."""
        return await asyncio.to_thread(self._measure)

    def _measure(self) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        for chunk in self.chunks():
            digest.update(chunk)
            size += len(chunk)
        return digest.hexdigest(), size

    @classmethod
    async def spool(cls, body: AsyncIterable[bytes], *, filename: str | None) -> ReceivedFile:
        """Take in a body as it arrives."""
        file = SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - `close` ends it
        received = cls(file, filename=filename)  # type: ignore[arg-type]  # typeshed: spooled files are no BinaryIO
        try:
            async for chunk in body:
                await asyncio.to_thread(file.write, chunk)
        except BaseException:
            received.close()
            raise
        return received

    def close(self) -> None:
        """Forget it."""
        self._file.close()
