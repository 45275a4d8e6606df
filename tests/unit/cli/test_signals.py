"""Ending in good order when a signal says so."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from protea_cli.signals import ended_by_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_the_block_with_its_cleaning_up_and_the_rest_goes_on(number: int) -> None:
    done: list[str] = []

    with ended_by_signals():
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            done.append("cleaned up")
    await asyncio.sleep(0)

    assert done == ["cleaned up"]
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_second_signal_cuts_the_cleaning_up_short() -> None:
    with ended_by_signals():
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_another_cancellation_passes_through() -> None:
    async def block() -> None:
        with ended_by_signals():
            await asyncio.Event().wait()

    task = asyncio.create_task(block())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
