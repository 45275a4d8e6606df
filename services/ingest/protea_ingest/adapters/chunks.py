"""Rows made on a thread, handed to the event loop a chunk at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from concurrent.futures import Executor
from itertools import islice
from typing import TypeVar

__all__ = ["read_in_chunks"]

_Row = TypeVar("_Row")


async def read_in_chunks(rows: Iterable[_Row], *, size: int, executor: Executor) -> AsyncGenerator[list[_Row]]:
    """Iterate over rows without blocking the event loop: the next chunk is made while the last one is worked on.

    At most two chunks are in memory. Close the generator (``aclosing``) to be sure that the thread has stopped.

    Parameters
    ----------
    rows
        Read on the executor's thread alone; what it raises is raised here.
    size
        Rows in a chunk; the last one may have fewer.
    executor
        Must run one call at a time for these rows, as a single thread does.
    """
    iterator = iter(rows)
    loop = asyncio.get_running_loop()

    def take() -> list[_Row]:
        return list(islice(iterator, size))

    upcoming = loop.run_in_executor(executor, take)
    try:
        while chunk := await upcoming:
            upcoming = loop.run_in_executor(executor, take)
            yield chunk
    finally:
        await asyncio.gather(upcoming, return_exceptions=True)
