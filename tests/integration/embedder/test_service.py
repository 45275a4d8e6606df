"""The embedder as a process: roles, a run over the bus from start to end, and what it may not import."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from protea_common.messaging.memory import MemoryBus
from protea_common.operations import ComputeEmbeddings, FitKmerEncoder
from protea_common.orm import JobStatus
from protea_common.runtime import Platform, Role, open_platform, serve
from protea_common.settings import load_settings
from protea_embedder.entrypoints.consumer import PoolMissingError, build_service
from protea_embedder.settings import EmbedderSettings
from support.embedder_bench import SHOWN, EmbedderBench
from support.proteins import random_proteins
from support.tiny_models import tiny_recipe

JOBS, BATCHES = "protea.embeddings", "protea.embeddings.batch"


@pytest.mark.parametrize(
    ("role", "queues"),
    [(Role.COORDINATOR, [JOBS]), (Role.WORKER, [BATCHES]), (Role.ALL, [JOBS, BATCHES])],
)
async def test_a_role_decides_which_queues_are_read(platform: Platform, role: Role, queues: list[str]) -> None:
    async with build_service(platform, settings=EmbedderSettings(role=role)) as service:
        assert [consumer.queue for consumer in service.consumers] == queues


async def test_pools_have_queues_of_their_own(migrated_database_url: str, tmp_path: Path) -> None:
    overrides = {
        "db_url": migrated_database_url,
        "amqp_url": "amqp://memory/",
        "storage_root": tmp_path,
        "embedding_pools": {"large": 20_000},
    }
    large = "protea.embeddings.batch.large"

    async with open_platform(load_settings(tmp_path, overrides=overrides), MemoryBus()) as platform:
        for settings, queues in (
            (EmbedderSettings(role=Role.WORKER, pool="large"), [large]),
            (EmbedderSettings(role=Role.WORKER), [BATCHES]),
            (EmbedderSettings(role=Role.ALL), [JOBS, BATCHES, large]),
        ):
            async with build_service(platform, settings=settings) as service:
                assert [consumer.queue for consumer in service.consumers] == queues
        with pytest.raises(PoolMissingError, match="PROTEA_EMBEDDING_POOLS names large"):
            async with build_service(platform, settings=EmbedderSettings(pool="huge")):
                pass
        async with build_service(platform, settings=EmbedderSettings()) as service:
            bench = EmbedderBench(platform, service)
            await bench.add_proteins(random_proteins(2))
            kmers = await bench.add_kmer_config()
            model = await bench.add_config(
                tiny_recipe("esm", digest="0" * 64), weights_uri=None, shown=replace(SHOWN, param_count=20_000)
            )
            keys = []
            for config in (kmers, model):
                job_id = await bench.submit_compute(ComputeEmbeddings(embedding_config_id=config.id))
                (created,) = await bench.take_messages(job_id)
                await bench.deliver(created)
                keys += [message.routing_key for message in await bench.take_messages(job_id)]

    assert keys == ["embeddings.batch.requested", "embeddings.batch.requested.large"]


async def test_a_worker_holds_as_many_batches_as_it_is_set_to(platform: Platform) -> None:
    async with build_service(platform, settings=EmbedderSettings(role=Role.WORKER, worker_prefetch=3)) as service:
        assert [consumer.prefetch for consumer in service.consumers] == [3]


async def test_without_settings_a_service_takes_all_roles(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROTEA_EMBEDDER__ROLE", "worker")

    async with build_service(platform) as service:
        assert [consumer.queue for consumer in service.consumers] == [JOBS, BATCHES]


async def test_proteins_become_vectors_over_the_bus(platform: Platform) -> None:
    stop = asyncio.Event()
    async with build_service(platform, settings=EmbedderSettings()) as service:
        bench = EmbedderBench(platform, service)
        await bench.add_proteins(random_proteins(8))
        running = asyncio.create_task(serve(platform, [service], stop, forgetful_bus=True))
        try:
            fitted = await bench.ended(await bench.submit("fit_kmer_encoder", FitKmerEncoder()))
            assert fitted.result is not None
            compute = ComputeEmbeddings(embedding_config_id=fitted.result["embedding_config_id"], sequences_per_job=3)
            computed = await bench.ended(await bench.submit_compute(compute))
        finally:
            stop.set()
            await running

    assert computed.status is JobStatus.SUCCEEDED
    assert len(await bench.vectors()) == 8


def test_the_program_refuses_a_role_that_it_does_not_have() -> None:
    command = [sys.executable, "-m", "protea_embedder", "--role", "captain"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 2
    assert "coordinator" in done.stderr


def test_torch_is_never_imported() -> None:
    program = "import protea_embedder.__main__, sys; sys.exit('torch' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)

    assert done.returncode == 0
