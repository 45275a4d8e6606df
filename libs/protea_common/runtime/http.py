"""Serving HTTP inside a process that has other things to do: uvicorn without its signal handlers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from protea_common.errors import PermanentError

__all__ = ["AddressInUseError", "serve_http"]

_GRACE_SECONDS = 5
"""Open connections get so long at the end; a live stream reconnects elsewhere by its last event id."""


class AddressInUseError(PermanentError):
    """The HTTP port is taken by another program."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell when the port is open."""
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process that this server is a part of."""
        yield


@asynccontextmanager
async def serve_http(app: ASGIApp, *, host: str, port: int) -> AsyncIterator[None]:
    """Serve an application while the block runs.

    Raises
    ------
    AddressInUseError
        If the port is taken.
    """
    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=_GRACE_SECONDS
    )
    server = _Server(config)
    task = asyncio.create_task(_serve(server, host=host, port=port))
    listening = asyncio.create_task(server.listening.wait())
    try:
        await asyncio.wait((task, listening), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield
    finally:
        listening.cancel()
        server.should_exit = True
        await task


async def _serve(server: uvicorn.Server, *, host: str, port: int) -> None:
    try:
        await server.serve()
    except SystemExit as exc:
        # uvicorn exits the process when it cannot bind; the port is the only thing that can be wrong there.
        raise AddressInUseError(
            f"Cannot listen on {host}:{port}: the port is in use. Choose another with PROTEA_HTTP__PORT."
        ) from exc
