"""The predictor as a process: roles, a run over the bus from start to end, and its measurements."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from protea_common.orm import JobStatus
from protea_common.runtime import Platform, Role, serve
from protea_common.telemetry import render_metrics
from protea_predictor.entrypoints.consumer import build_service
from protea_predictor.settings import PredictorSettings
from support.predictor_bench import PredictorBench

JOBS, BATCHES, TRAINING = "protea.predictions", "protea.predictions.batch", "protea.training"


@pytest.mark.parametrize(
    ("role", "queues"),
    [(Role.COORDINATOR, [JOBS]), (Role.WORKER, [BATCHES, TRAINING]), (Role.ALL, [JOBS, BATCHES, TRAINING])],
)
async def test_a_role_decides_which_queues_are_read(platform: Platform, role: Role, queues: list[str]) -> None:
    async with build_service(platform, settings=PredictorSettings(role=role)) as service:
        assert [consumer.queue for consumer in service.consumers] == queues


@pytest.mark.parametrize("threads", [1, 3])
async def test_a_worker_holds_as_many_batches_as_it_has_threads(platform: Platform, threads: int) -> None:
    settings = PredictorSettings(role=Role.WORKER, search_threads=threads)

    async with build_service(platform, settings=settings) as service:
        assert [consumer.prefetch for consumer in service.consumers] == [threads, 1]


async def test_without_settings_a_service_takes_all_roles(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROTEA_PREDICTOR__ROLE", "worker")

    async with build_service(platform) as service:
        assert [consumer.queue for consumer in service.consumers] == [JOBS, BATCHES, TRAINING]


async def test_vectors_become_terms_over_the_bus(platform: Platform) -> None:
    stop = asyncio.Event()
    async with build_service(platform, settings=PredictorSettings(search_threads=2)) as service:
        bench = PredictorBench(platform, service)
        request = await bench.worked_example()
        async with bench.world() as world:
            for number in range(6):
                await world.add_query(request, f"X{number}", (number, 7))
        running = asyncio.create_task(serve(platform, [service], stop, forgetful_bus=True))
        try:
            job = await bench.ended(await bench.submit(request, batch_size=2))
        finally:
            stop.set()
            await running

    assert job.status is JobStatus.SUCCEEDED
    assert (job.progress_current, job.progress_total) == (4, 4)
    assert job.result is not None
    assert job.result["predictions"] == len(await bench.rows(job.id))
    assert b'protea_predictions_batch_seconds_count{runner="exact"} 4.0' in render_metrics(platform.metrics)[0]


def test_the_program_refuses_a_role_that_it_does_not_have() -> None:
    command = [sys.executable, "-m", "protea_predictor", "--role", "captain"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 2
    assert "coordinator" in done.stderr
