"""PostgreSQL and RabbitMQ of a benchmark's own, in a folder, and the platform's parts on both."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protea_common.db import upgrade_to_head
from protea_common.messaging.rabbitmq import RabbitBus
from protea_common.runtime import Platform, open_platform
from protea_common.settings import load_settings
from protea_standalone.postgres import EmbeddedPostgres

TESTS: Final = Path(__file__).resolve().parents[1] / "tests"
sys.path.append(str(TESTS))

from support.rabbitmq import start_rabbitmq, virtual_host  # noqa: E402 - in the tests' folder, found by the line above

__all__ = ["SOURCE", "Servers", "open_servers", "platform_on"]

SOURCE: Final = "protea-benchmark"
"""Who sends the benchmark's own events."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Two running servers.

    Attributes
    ----------
    folder
        Where they and the artifacts lie.
    db_url, amqp_url
        Their addresses; the database is empty.
    """

    folder: Path
    db_url: str
    amqp_url: str


@contextmanager
def open_servers(folder: Path) -> Iterator[Servers]:
    """Start both servers; stop them when the block ends."""
    with _postgres(folder) as db_url, _rabbitmq(folder) as amqp_url:
        yield Servers(folder, db_url, amqp_url)


@asynccontextmanager
async def platform_on(servers: Servers) -> AsyncIterator[Platform]:
    """Open what services stand on, with the newest schema."""
    overrides = {"db_url": servers.db_url, "amqp_url": servers.amqp_url, "artifacts_dir": servers.folder / "artifacts"}
    settings = load_settings(servers.folder, overrides=overrides)
    async with open_platform(settings, RabbitBus(servers.amqp_url, connection_name=SOURCE)) as platform:
        await upgrade_to_head(platform.engine)
        yield platform


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    with EmbeddedPostgres(folder / "postgres", fallback_root=folder) as server:
        server.create_database("benchmark")
        yield server.dsn("benchmark")


@contextmanager
def _rabbitmq(folder: Path) -> Iterator[str]:
    place = folder / "rabbitmq"
    place.mkdir()
    server = start_rabbitmq(place)
    try:
        with virtual_host(server) as url:
            yield url
    finally:
        server.close()
