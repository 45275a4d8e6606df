"""The gateway as a service: its application, the queue of dead letters, and what runs beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from protea_common.messaging.bus import Acknowledged, Disposition, Handler, IncomingMessage
from protea_common.messaging.topology import DEAD_LETTER_QUEUE
from protea_common.runtime import Platform, QueueConsumer, Service
from protea_common.settings import load_service_settings
from protea_common.telemetry import configure_telemetry
from protea_gateway.entrypoints.http.app import create_app
from protea_gateway.settings import GatewaySettings
from protea_gateway.wiring import SERVICE_NAME, Factory, open_process

__all__ = ["build_service"]


@asynccontextmanager
async def build_service(platform: Platform, *, settings: GatewaySettings | None = None) -> AsyncIterator[Service]:
    """Open the gateway; without settings it takes the configured ones."""
    own = settings or load_service_settings(GatewaySettings, Path.cwd())
    async with open_process(platform, own) as context:
        factory = Factory(context)
        app = create_app(factory)
        configure_telemetry(app, default_service_name=SERVICE_NAME)
        yield Service(
            name=SERVICE_NAME,
            app=app,
            consumers=[QueueConsumer(DEAD_LETTER_QUEUE, _dead_letters(factory), own.dead_letter_prefetch)],
            background=[context.feed.run, context.key_usage.run, factory.create_watch_platform().run],
        )


def _dead_letters(factory: Factory) -> Handler:
    keep = factory.create_keep_dead_letter()

    async def handle(message: IncomingMessage) -> Disposition:
        await keep(message)
        return Acknowledged()

    return handle
