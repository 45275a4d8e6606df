"""Services that run beside a block of code, as long as it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from protea_common.runtime import Platform, Service, serve, serve_http

__all__ = ["served"]


@asynccontextmanager
async def served(platform: Platform, services: Sequence[Service]) -> AsyncIterator[None]:
    """Run the services, and the applications of those that have one, while the block does.

    If they end before it, the block is cancelled and the reason raised.
    """
    stop = asyncio.Event()
    http = platform.settings.http
    async with AsyncExitStack() as stack:
        for app in (service.app for service in services if service.app is not None):
            await stack.enter_async_context(serve_http(app, host=http.host, port=http.port))
        serving = asyncio.create_task(serve(platform, services, stop, forgetful_bus=True))
        try:
            async with _cancelled_with(serving):
                yield
        finally:
            stop.set()
            await serving


@asynccontextmanager
async def _cancelled_with(serving: asyncio.Task[None]) -> AsyncIterator[None]:
    """Cancel the block when ``serving`` ends during it, and raise its error."""
    block = asyncio.current_task()
    if block is None:
        raise RuntimeError("The laptop edition is opened inside a task.")

    def cancel(_ended: asyncio.Task[None]) -> None:
        block.cancel()

    serving.add_done_callback(cancel)
    try:
        yield
    except asyncio.CancelledError:
        if serving.done():
            block.uncancel()
            await serving
        raise
    finally:
        serving.remove_done_callback(cancel)
