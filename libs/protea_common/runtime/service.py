"""Running services: consume, serve health, drain on SIGTERM. One process may hold one service or all five."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from starlette.applications import Starlette
from starlette.types import ASGIApp

from protea_common.db import DATABASE_AWAY, check_database
from protea_common.errors import ProteaError, TransientError
from protea_common.messaging.bus import BrokerUnavailableError, Handler, Subscription
from protea_common.messaging.outbox import OutboxRelay
from protea_common.messaging.rabbitmq import RabbitBus
from protea_common.runtime.http import serve_http
from protea_common.runtime.platform import BuildArtifactStore, Platform, open_platform
from protea_common.settings import load_settings
from protea_common.storage import get_artifact_store
from protea_common.telemetry import (
    HealthCheck,
    configure_logging,
    configure_telemetry,
    health_routes,
    shutdown_telemetry,
)

__all__ = ["BuildService", "QueueConsumer", "Service", "health_checks", "run_service", "serve"]

logger = logging.getLogger(__name__)

_CANCEL_AGAIN_SECONDS = 1.0
"""Patience with a background task that is told to end; shorter disturbs its tidying up, longer delays the end."""


@dataclass(frozen=True, slots=True)
class QueueConsumer:
    """One queue, who handles its messages, and how many at a time."""

    queue: str
    handler: Handler
    prefetch: int


@dataclass(frozen=True, slots=True)
class Service:
    """What a service does once it is wired.

    Attributes
    ----------
    name
        For logs and spans, for example ``protea-embedder``.
    consumers
        The queues it reads.
    background
        Coroutines that run as long as the service does.
    app
        HTTP application of the gateway; other services answer health and metrics only.
    """

    name: str
    consumers: Sequence[QueueConsumer] = ()
    background: Sequence[Callable[[], Awaitable[None]]] = ()
    app: ASGIApp | None = field(default=None)


BuildService = Callable[[Platform], AbstractAsyncContextManager[Service]]
"""A service's wiring: opens what the service needs, yields it, closes everything."""


def run_service(name: str, build: BuildService, *, artifact_store: BuildArtifactStore = get_artifact_store) -> NoReturn:
    """Run one service as a process of its own until SIGTERM or SIGINT; never returns.

    The exit code is 1, with one line that says what to do, when a setting is missing or a dependency does not answer
    in time.
    """
    try:
        asyncio.run(_run_process(name, build, artifact_store))
    except* ProteaError as group:
        for exc in group.exceptions:
            logger.critical("%s stops: %s", name, exc)
        sys.exit(1)
    sys.exit(0)


async def _run_process(name: str, build: BuildService, artifact_store: BuildArtifactStore) -> None:
    configure_logging()
    settings = load_settings(Path.cwd())
    configure_telemetry(default_service_name=name)
    bus = RabbitBus(
        settings.amqp_url,
        connection_name=name,
        connect_timeout=settings.startup.dependency_wait,
        heartbeat=settings.queue.amqp_heartbeat,
    )
    ending = _Ending()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.ask)
    try:
        async with (
            open_platform(settings, bus, artifact_store=artifact_store) as platform,
            build(platform) as service,
        ):
            app = service.app or Starlette(
                routes=health_routes(health_checks(platform), platform.metrics, engine=platform.engine)
            )
            async with serve_http(app, host=settings.http.host, port=settings.http.port):
                ending.wait_for_drain()
                await serve(platform, [service], ending.asked, forgetful_bus=False)
    except asyncio.CancelledError:
        if not ending.asked.is_set():
            raise
        logger.info("%s ends before it was ready", name)
    finally:
        shutdown_telemetry()


class _Ending:
    """What SIGTERM does: a service that runs drains; one that still waits for database or broker just ends."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self._starting = asyncio.current_task()

    def ask(self) -> None:
        """End, one way or the other."""
        self.asked.set()
        if self._starting is not None:
            self._starting.cancel()

    def wait_for_drain(self) -> None:
        """From now on `asked` is enough."""
        self._starting = None


async def serve(platform: Platform, services: Sequence[Service], stop: asyncio.Event, *, forgetful_bus: bool) -> None:
    """Run services on one platform until ``stop`` is set, then drain.

    Draining: no new messages; running work may finish within the shutdown grace, the rest is handed back; the relay
    sends what that wrote.
    """
    relay, reaper = platform.relay(), platform.reaper(forgetful_bus=forgetful_bus)
    async with _background(
        [relay.run, reaper.run, *(run for service in services for run in service.background)]
    ) as crash:
        subscriptions = [await _subscribe(platform, c) for service in services for c in service.consumers]
        try:
            logger.info("ready", extra={"services": [service.name for service in services]})
            await _first(stop, crash)
            logger.info("draining", extra={"services": [service.name for service in services]})
        finally:
            grace = platform.settings.worker.shutdown_grace
            await asyncio.gather(*(subscription.stop(grace) for subscription in subscriptions))
        await _send_the_last(relay)


async def _send_the_last(relay: OutboxRelay) -> None:
    """Send what draining wrote; where that fails, another process's relay finds it."""
    try:
        await relay.send_due()
    except (*DATABASE_AWAY, TransientError) as exc:
        logger.warning("the last events are left to another process", extra={"detail": str(exc)})


@asynccontextmanager
async def _background(coroutines: Sequence[Callable[[], Awaitable[None]]]) -> AsyncIterator[asyncio.Event]:
    """Run coroutines beside the block; one that fails sets the event and its error is raised at the end."""
    crashed = asyncio.Event()

    async def guarded(run: Callable[[], Awaitable[None]]) -> None:
        try:
            await run()
        finally:
            crashed.set()

    tasks = [asyncio.create_task(guarded(run)) for run in coroutines]
    try:
        yield crashed
    finally:
        await _cancel(tasks)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    failures = [o for o in outcomes if isinstance(o, Exception)]
    if failures:
        raise ExceptionGroup("a background task failed", failures)


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended.

    A connection that breaks while its user is being cancelled raises its own error in place of the cancellation, and
    whoever takes that for a database that is away would go on for ever.
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=_CANCEL_AGAIN_SECONDS)


async def _subscribe(platform: Platform, consumer: QueueConsumer) -> Subscription:
    return await platform.bus.subscribe(consumer.queue, consumer.handler, prefetch=consumer.prefetch)


async def _first(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def health_checks(platform: Platform) -> dict[str, HealthCheck]:
    """Readiness checks of what every service depends on."""

    async def broker() -> None:
        if not await platform.bus.is_connected():
            raise BrokerUnavailableError("The message broker is not connected; check PROTEA_AMQP_URL and the server.")

    return {"database": lambda: check_database(platform.engine), "broker": broker}
