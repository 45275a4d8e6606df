"""Keeping what is slow to make: made once, whoever asks, and forgotten in the order of use."""

from __future__ import annotations

import asyncio

import pytest

from protea_predictor.usecases.recently_used import RecentlyUsed


class Maker:
    """Makes values, counting how often."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self) -> int:
        self.calls += 1
        await asyncio.sleep(0)
        return self.calls


async def test_all_who_ask_at_once_get_what_the_first_made() -> None:
    kept, make = RecentlyUsed[str, int](capacity=1), Maker()

    values = await asyncio.gather(*(kept.get("a", make) for _ in range(5)))

    assert values == [1, 1, 1, 1, 1]
    assert make.calls == 1


async def test_the_least_recently_used_is_forgotten() -> None:
    kept, make = RecentlyUsed[str, int](capacity=2), Maker()
    for key in ("a", "b", "a", "c"):
        await kept.get(key, make)

    assert await kept.get("a", make) == 1
    assert await kept.get("b", make) == 4


async def test_after_a_failure_the_next_one_tries() -> None:
    kept, make = RecentlyUsed[str, int](capacity=1), Maker()

    async def fail() -> int:
        raise RuntimeError("not now")

    with pytest.raises(RuntimeError):
        await kept.get("a", fail)

    assert await kept.get("a", make) == 1


async def test_who_waits_is_served_when_the_first_gives_up() -> None:
    kept, make = RecentlyUsed[str, int](capacity=1), Maker()
    first = asyncio.create_task(kept.get("a", asyncio.Event().wait))
    second = asyncio.create_task(kept.get("a", make))
    await asyncio.sleep(0)

    first.cancel()

    assert await second == 1
