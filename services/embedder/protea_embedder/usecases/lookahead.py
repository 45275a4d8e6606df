"""Batches made ready ahead of the device: while it computes one, the next is spelled in another thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lookahead"]

Result = TypeVar("Result")

Chosen = NDArray[np.int64]


class Lookahead(Generic[Result]):
    """Gives batches in order, and keeps exactly one ready beyond the one that was taken.

    Parameters
    ----------
    prepare
        Makes a batch ready, in a thread; what it gives computes it.
    batches
        Which sequences each has.
    """

    def __init__(self, prepare: Callable[[Chosen], Callable[[], Result]], batches: Iterable[Chosen]) -> None:
        self._prepare = prepare
        self._waiting = deque(batches)
        self._ready = self._start()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def waiting(self) -> tuple[Chosen, ...]:
        """What was not taken yet."""
        return tuple(self._waiting)

    async def take(self) -> tuple[Chosen, Callable[[], Result]]:
        """Give the next batch once it is ready, and begin with the one after it; there must be one."""
        compute = await self._ready
        chosen = self._waiting.popleft()
        self._ready = self._start()
        return chosen, compute

    def _start(self) -> asyncio.Future[Callable[[], Result]]:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            return loop.create_future()
        return loop.run_in_executor(None, self._prepare, self._waiting[0])
