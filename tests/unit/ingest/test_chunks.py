from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import aclosing

import pytest

from protea_ingest.adapters.chunks import read_in_chunks


@pytest.fixture
def thread() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


async def test_rows_come_in_order_and_in_chunks(thread: Executor) -> None:
    chunks = [chunk async for chunk in read_in_chunks(range(7), size=3, executor=thread)]

    assert chunks == [[0, 1, 2], [3, 4, 5], [6]]


async def test_no_rows_give_no_chunks(thread: Executor) -> None:
    nothing: list[int] = []

    assert [chunk async for chunk in read_in_chunks(nothing, size=3, executor=thread)] == []


async def test_rows_are_made_on_the_executors_thread_and_one_chunk_ahead(thread: Executor) -> None:
    made: list[int] = []
    threads: set[int] = set()

    def rows() -> Iterator[int]:
        for number in range(100):
            threads.add(threading.get_ident())
            made.append(number)
            yield number

    async with aclosing(read_in_chunks(rows(), size=10, executor=thread)) as chunks:
        first = await anext(chunks)

    assert first == list(range(10))
    assert len(made) == 20
    assert threading.get_ident() not in threads


async def test_what_a_row_raises_is_raised_after_the_chunks_before_it(thread: Executor) -> None:
    def rows() -> Iterator[int]:
        yield from (1, 2)
        raise ValueError("spoilt")

    seen = []
    with pytest.raises(ValueError, match="spoilt"):
        async for chunk in read_in_chunks(rows(), size=1, executor=thread):
            seen.extend(chunk)

    assert seen == [1, 2]


async def test_the_loop_runs_while_a_row_is_waited_for(thread: Executor) -> None:
    release = threading.Event()

    def rows() -> Iterator[int]:
        assert release.wait(10)
        yield 1

    reading = asyncio.ensure_future(anext(read_in_chunks(rows(), size=1, executor=thread)))
    await asyncio.sleep(0)
    release.set()

    assert await reading == [1]


async def test_closing_waits_until_the_thread_has_stopped(thread: Executor) -> None:
    made: list[int] = []

    def rows() -> Iterator[int]:
        for number in range(1_000):
            made.append(number)
            yield number

    async with aclosing(read_in_chunks(rows(), size=100, executor=thread)) as chunks:
        await anext(chunks)
    at_the_end = len(made)

    assert await asyncio.get_running_loop().run_in_executor(thread, len, made) == at_the_end
