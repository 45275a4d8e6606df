from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from functools import partial
from typing import Any

import pytest

from protea_predictor.usecases.made_ahead import made_ahead


class Workshop:
    """Makes numbers, and says which it has begun and which it gave up."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.given_up: list[int] = []

    async def make(self, number: int) -> int:
        self.begun.append(number)
        try:
            await asyncio.Event().wait() if number == 99 else await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.given_up.append(number)
            raise
        if number < 0:
            message = "no such number"
            raise ValueError(message)
        return number


async def test_all_is_given_in_order_and_one_is_made_ahead() -> None:
    shop, begun = Workshop(), []
    async for _ in made_ahead(partial(shop.make, number) for number in range(4)):
        await asyncio.sleep(0)
        begun.append(list(shop.begun))
    assert begun == [[0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3]]
    assert [number async for number in made_ahead(partial(shop.make, number) for number in range(4))] == [0, 1, 2, 3]


async def test_nothing_to_make_gives_nothing() -> None:
    nothing: list[Callable[[], Coroutine[Any, Any, int]]] = []
    assert [number async for number in made_ahead(nothing)] == []


async def test_what_fails_fails_where_it_is_taken() -> None:
    shop = Workshop()
    taken = []
    with pytest.raises(ValueError, match="no such number"):
        async for number in made_ahead(partial(shop.make, number) for number in (1, -1, 99)):
            taken.append(number)  # noqa: PERF401 - what was taken before the failure
    assert taken == [1]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_who_stops_early_gives_up_what_is_being_made() -> None:
    shop = Workshop()
    async with aclosing(made_ahead(partial(shop.make, number) for number in (1, 99))) as numbers:
        async for _ in numbers:
            await asyncio.sleep(0)
            break
    assert shop.given_up == [99]
