"""Ending in good order when the person or the system says so."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["ended_by_signals"]

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a polite kill, and the terminal that is closed."""


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let a signal end the block in good order; a second one cuts the waiting for running work short.

    What follows the block is done in either case.
    """
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    if task is None:
        raise RuntimeError("Signals end a task; there is none here.")
    cancelled = 0

    def stop() -> None:
        nonlocal cancelled
        cancelled += task.cancel()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        yield
    except asyncio.CancelledError:
        if not cancelled:
            raise
        for _ in range(cancelled):
            task.uncancel()
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
