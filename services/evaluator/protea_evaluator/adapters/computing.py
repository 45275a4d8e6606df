"""Processes that compute: on cores of their own, and without the service if one runs out of memory.

They are started when they are first needed, and end with this process however it ends: each watches its parent.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from typing import Any, ClassVar, ParamSpec, TypeVar

from protea_common.errors import TransientError

__all__ = ["ComputingProcessDiedError", "ComputingProcesses"]

_SPAWN = get_context("spawn")
"""A forked process would hold copies of connections and locks of this one."""

P = ParamSpec("P")
T = TypeVar("T")


class ComputingProcessDiedError(TransientError):
    """A process that computed was ended from outside, for want of memory perhaps; it is computed again."""

    slug: ClassVar[str] = "computing-process-died"


class ComputingProcesses(Executor):
    """A bounded pool of processes; what is given to it, and what comes back, is copied.

    Errors of a function keep their class. After a process has died the pool is made anew.

    Parameters
    ----------
    limit
        Processes at most.
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._closed = False
        self._pool, self._stop = self._start()

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Compute in one of the processes.

        Raises
        ------
        ComputingProcessDiedError
            In the future: if the process died.
        """
        with self._lock:
            try:
                inner = self._pool.submit(function, *args, **kwargs)
            except BrokenProcessPool:
                if self._closed:
                    raise
                self._end()
                self._pool, self._stop = self._start()
                inner = self._pool.submit(function, *args, **kwargs)
        outer: Future[T] = Future()
        inner.add_done_callback(lambda done: _pass_on(done, outer))
        return outer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes, and what they compute with them: a job that is not done is done again elsewhere."""
        with self._lock:
            self._closed = True
            self._end()
        self._pool.shutdown(wait=wait, cancel_futures=cancel_futures)

    def _start(self) -> tuple[ProcessPoolExecutor, Connection]:
        watched, stop = _SPAWN.Pipe(duplex=False)
        pool = ProcessPoolExecutor(self._limit, mp_context=_SPAWN, initializer=_begin, initargs=(watched,))
        return pool, stop

    def _end(self) -> None:
        # Nothing is ever written: that its other end was closed is what the processes wait for.
        self._stop.close()


def _pass_on(done: Future[T], outer: Future[T]) -> None:
    """Give the outcome to the one who waits, if anybody still does."""
    if not outer.set_running_or_notify_cancel():
        return
    error = None if done.cancelled() else done.exception()
    if done.cancelled() or isinstance(error, BrokenProcessPool):
        died = ComputingProcessDiedError("A process that computed has died; its memory may have run out.")
        died.__cause__ = error
        outer.set_exception(died)
    elif error is not None:
        outer.set_exception(error)
    else:
        outer.set_result(done.result())


def _begin(stop: Connection) -> None:
    """Make a process ready: signals are its parent's, whose end is its own."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None  # noqa: S101 - it runs in a process that was started
    threading.Thread(target=_end_with, args=([parent.sentinel, stop],), daemon=True).start()


def _end_with(others: list[Any]) -> None:
    wait(others)
    os._exit(0)
