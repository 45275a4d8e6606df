"""PostgreSQL and RabbitMQ of the fault suite's own, to be stopped, crashed and started again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from protea_standalone.edition import free_port
from protea_standalone.postgres import EmbeddedPostgres
from support.folders import traversable_folder
from support.postgres import migrate
from support.rabbitmq import RabbitServer, start_rabbitmq

__all__ = ["Servers", "open_servers", "with_port"]

_DATABASE = "protea"


@dataclass(frozen=True, slots=True)
class Servers:
    """Both servers, and how they are disturbed; none of the methods may run on the event loop."""

    postgres: EmbeddedPostgres
    rabbitmq: RabbitServer

    @property
    def database_url(self) -> str:
        return self.postgres.dsn(_DATABASE)

    def stop(self, server: str) -> None:
        """Shut a server down in order."""
        if server == "broker":
            self.rabbitmq.stop()
        else:
            self.postgres.stop()

    def crash(self, server: str) -> None:
        """End a server without warning; PostgreSQL then recovers from its log."""
        if server == "broker":
            self.rabbitmq.kill()
        else:
            pid_file = self.postgres.folder / "pgdata" / "postmaster.pid"
            os.kill(int(pid_file.read_text().split()[0]), signal.SIGQUIT)
            self.postgres.stop()

    def start(self, server: str) -> None:
        """Start a server again and wait until it answers."""
        if server == "broker":
            self.rabbitmq.start()
        else:
            self.postgres.start()


@asynccontextmanager
async def open_servers(base_dir: Path) -> AsyncIterator[Servers]:
    """Start both, with a database that has all tables; its commits survive a crash, as they must in production."""
    with traversable_folder("protea-fault-") as folder:
        postgres = EmbeddedPostgres(folder / "server", port=free_port(), fallback_root=folder)
        try:
            await asyncio.to_thread(postgres.start)
            await asyncio.to_thread(postgres.create_database, _DATABASE)
            await asyncio.to_thread(migrate, postgres.dsn(_DATABASE))
            base_dir.mkdir()
            rabbitmq = await asyncio.to_thread(start_rabbitmq, base_dir)
            try:
                yield Servers(postgres, rabbitmq)
            finally:
                await asyncio.to_thread(rabbitmq.close)
        finally:
            await asyncio.to_thread(postgres.stop)


def with_port(url: str, port: int) -> str:
    """Give the address of the same thing behind another port of this machine."""
    address = urlsplit(url)
    credentials, _, _ = address.netloc.rpartition("@")
    return urlunsplit(address._replace(netloc=f"{credentials}@127.0.0.1:{port}"))
