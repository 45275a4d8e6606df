"""Both editions with the same references, once for all end-to-end tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from protea_standalone.edition import free_port, open_laptop_edition
from support.cluster import Cluster
from support.editions import LoadedCluster, Traces, Undisturbed
from support.folders import traversable_folder
from support.main_job import MainJob
from support.otlp import collecting, rotel_before
from support.postgres import PostgresServer
from support.rabbitmq import RabbitServer, virtual_host


@pytest.fixture(scope="session")
async def undisturbed() -> Undisturbed:
    """Run the main job in the laptop edition."""
    with traversable_folder("protea-test-laptop-") as home:
        async with open_laptop_edition(home, port=free_port()) as edition:
            with closing(MainJob(edition.url)) as job:
                references = await asyncio.to_thread(job.load_references)
                predictions = await asyncio.to_thread(lambda: job.predictions(job.annotate(references)))
    return Undisturbed(references.embedding_config_id, predictions)


@pytest.fixture(scope="session")
def traces() -> Iterator[Traces]:
    """Run an independent OTLP receiver, and keep what it passes on."""
    with collecting() as collector, rotel_before(collector) as address:
        yield Traces(collector, address)


@pytest.fixture(scope="session")
async def cluster(
    traces: Traces,
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    migrated_template: str,
    rabbitmq: RabbitServer,
) -> AsyncIterator[LoadedCluster]:
    """Start the five processes, traced, and load their references."""
    folder = tmp_path_factory.mktemp("cluster")
    async with postgres_server.database(template=migrated_template) as database_url:
        address = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
        database = await asyncpg.connect(address)
        with (
            virtual_host(rabbitmq) as amqp_url,
            Cluster(
                folder=folder,
                database_url=database_url,
                amqp_url=amqp_url,
                environment=lambda _service: traces.environment,
            ) as processes,
            closing(MainJob(processes.url)) as job,
        ):
            references = await asyncio.to_thread(job.load_references)
            yield LoadedCluster(processes, job, references, database)
        await database.close()
