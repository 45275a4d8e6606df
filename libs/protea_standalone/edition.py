"""The whole platform in one process: embedded PostgreSQL, the in-process bus, local artifacts and all five services."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

import httpx

from protea_common.db import upgrade_to_head
from protea_common.errors import PermanentError
from protea_common.messaging.memory import MemoryBus
from protea_common.runtime import AddressInUseError, open_platform
from protea_common.settings import Settings, StorageBackend, load_settings
from protea_common.telemetry import configure_telemetry, shutdown_telemetry
from protea_standalone.home import Home, announce, hold_home
from protea_standalone.logs import log_to
from protea_standalone.postgres import EmbeddedPostgres
from protea_standalone.services import service_builders
from protea_standalone.serving import served

__all__ = ["LaptopEdition", "NotReadyError", "free_port", "open_data", "open_laptop_edition"]

NAME: Final = "protea-standalone"
"""Name of the process in traces."""

DATABASE: Final = "protea"
"""Another name would leave the data of earlier starts where nobody looks."""

SHUTDOWN_GRACE: Final = timedelta(seconds=10)
"""A person waits for the end. Work that is not done by then is done again after the next start."""

READY_SECONDS: Final = 30.0
"""Everything runs when the readiness is asked for; past this something is wrong that waiting does not mend."""

READY_POLL_SECONDS: Final = 0.1
"""Pause between two questions whether the platform is ready."""


class NotReadyError(PermanentError):
    """The platform started, but does not become ready; its log says why."""

    slug: ClassVar[str] = "not-ready"
    status: ClassVar[int] = 500


@dataclass(frozen=True, slots=True)
class LaptopEdition:
    """A running platform.

    Attributes
    ----------
    home
        Its folder.
    url
        Where the gateway answers.
    database_folder
        Where the database is: below the home, or where the operating system's permissions allowed it.
    services
        Names of the services that run.
    """

    home: Home
    url: str
    database_folder: Path
    services: tuple[str, ...]


@asynccontextmanager
async def open_laptop_edition(home: Path, *, host: str = "127.0.0.1", port: int) -> AsyncIterator[LaptopEdition]:
    """Start the platform, yield it when it is ready, and stop it in reverse order when the block ends.

    Data of earlier starts on the same home are found again, and jobs that had not ended go on. A service that fails
    later cancels the block, and its error is raised.

    Parameters
    ----------
    home
        Folder of everything that is kept; made if absent.
    host, port
        Where the gateway listens.

    Raises
    ------
    AlreadyRunningError
        If the home is in use.
    AddressInUseError
        If the port is.
    EmbeddedPostgresError
        If the database does not start.
    NotReadyError
        If the platform does not become ready.
    """
    place = Home.at(home)
    url = f"http://{host}:{port}"
    async with AsyncExitStack() as stack:
        stack.enter_context(hold_home(place))
        stack.enter_context(log_to(place.log_file))
        _check_port(host, port)
        configure_telemetry(default_service_name=NAME)
        stack.callback(shutdown_telemetry)
        postgres = await stack.enter_async_context(_running_postgres(place))
        settings = _settings(place, db_url=postgres.dsn(DATABASE), host=host, port=port)
        platform = await stack.enter_async_context(open_platform(settings, MemoryBus()))
        await upgrade_to_head(platform.engine)
        services = [await stack.enter_async_context(build(platform)) for build in service_builders(Path.cwd())]
        await stack.enter_async_context(served(platform, services))
        await _wait_until_ready(url)
        stack.enter_context(announce(place, url))
        yield LaptopEdition(
            home=place,
            url=url,
            database_folder=postgres.folder,
            services=tuple(service.name for service in services),
        )


@asynccontextmanager
async def open_data(home: Path) -> AsyncIterator[tuple[str, Path]]:
    """Start only the database of a home, for work on the data themselves; give its address and the artifacts' folder.

    Raises
    ------
    AlreadyRunningError
        If PROTEA runs on the home.
    EmbeddedPostgresError
        If the database does not start.
    """
    place = Home.at(home)
    with hold_home(place):
        async with _running_postgres(place) as postgres:
            yield postgres.dsn(DATABASE), place.artifacts


def free_port() -> int:
    """Find a TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _check_port(host: str, port: int) -> None:
    """Refuse a taken port before the seconds that the database's start takes."""
    with socket.socket() as probe:
        # As the server will do: a connection of an earlier server that is still ending does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            reason = "another program uses it" if exc.errno == errno.EADDRINUSE else exc.strerror
            raise AddressInUseError(f"PROTEA cannot listen on {host}:{port}: {reason}. Give another --port.") from exc


@asynccontextmanager
async def _running_postgres(home: Home) -> AsyncIterator[EmbeddedPostgres]:
    postgres = EmbeddedPostgres(home.postgres)
    try:
        await _to_its_end(postgres.start)
        await _to_its_end(partial(postgres.create_database, DATABASE))
        yield postgres
    finally:
        await _to_its_end(postgres.stop)


async def _to_its_end(call: Callable[[], None]) -> None:
    """Do a blocking call on a thread and wait until it is done, cancelled or not: half a start cannot be stopped."""
    task = asyncio.create_task(asyncio.to_thread(call))
    interruption: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as exc:
            interruption = exc
    failure = task.exception()
    if interruption is not None:
        raise interruption
    if failure is not None:
        raise failure


def _settings(home: Home, *, db_url: str, host: str, port: int) -> Settings:
    """Read the user's settings, without a say in what the edition brings itself."""
    overrides = {
        "db_url": db_url,
        # Nothing connects there: the bus is in this process.
        "amqp_url": "amqp://in-process/",
        "storage_backend": StorageBackend.LOCAL,
        "storage_root": home.artifacts,
        "artifacts_dir": home.artifacts,
        "http": {"host": host, "port": port},
        "tuning": {"worker": {"shutdown_grace": SHUTDOWN_GRACE}},
    }
    return load_settings(Path.cwd(), overrides=overrides)


async def _wait_until_ready(url: str) -> None:
    try:
        async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient(base_url=url, trust_env=False) as client:
            # Readiness is a question to the server; nothing here could set an event.
            while not (await client.get("/health/ready")).is_success:  # noqa: ASYNC110 - as above
                await asyncio.sleep(READY_POLL_SECONDS)
    except (TimeoutError, httpx.TransportError) as exc:
        raise NotReadyError(
            f"PROTEA at {url} is not ready after {READY_SECONDS:.0f} s; {url}/health/ready and its log say why."
        ) from exc
