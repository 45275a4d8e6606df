"""A TCP proxy between a service and a server, whose connections can be cut, stalled and slowed down."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

__all__ = ["TcpProxy"]

_CHUNK_BYTES = 64 * 1024


class TcpProxy:
    """Listens on loopback and passes bytes on to one address, as long as it is told to.

    Attributes
    ----------
    port
        Where to connect instead of the server.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._transports: set[asyncio.WriteTransport] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._is_cut = False
        self._delay_seconds = 0.0
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self._abort_all()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        self._is_cut = True
        self._abort_all()

    def mend(self) -> None:
        """Let connections be made again."""
        self._is_cut = False

    def stall(self) -> None:
        """Keep connections open and pass nothing on."""
        self._flowing.clear()

    def flow(self) -> None:
        """Pass on what was held back, and what comes."""
        self._flowing.set()

    def slow_down(self, seconds: float) -> None:
        """Hold every chunk back for so long, in each direction; 0 ends it."""
        self._delay_seconds = seconds

    def _abort_all(self) -> None:
        for transport in list(self._transports):
            transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            self._transports.add(sink.transport)
            pump = asyncio.create_task(self._pump(source, sink))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                while chunk := await source.read(_CHUNK_BYTES):
                    await self._flowing.wait()
                    if self._delay_seconds:
                        await asyncio.sleep(self._delay_seconds)
                    sink.write(chunk)
                    await sink.drain()
        finally:
            self._transports.discard(sink.transport)
            sink.close()
