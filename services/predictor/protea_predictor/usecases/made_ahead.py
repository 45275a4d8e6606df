"""Blocks of work, the next of which is made while one is taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from typing import Any, TypeVar

__all__ = ["made_ahead"]

T = TypeVar("T")


async def made_ahead(makers: Iterable[Callable[[], Coroutine[Any, Any, T]]]) -> AsyncGenerator[T]:
    """Give what the makers make, in their order; at most one is made that nobody has taken.

    To be closed by whoever may stop before the end: what is being made is cancelled then.
    """
    ahead: asyncio.Task[T] | None = None
    try:
        for make in makers:
            made, ahead = ahead, asyncio.create_task(make())
            if made is not None:
                yield await made
        if ahead is not None:
            yield await ahead
    finally:
        if ahead is not None:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)
