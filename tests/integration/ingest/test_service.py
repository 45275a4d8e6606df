"""The service as a whole: what it listens to, and what it tells while it reads."""

from __future__ import annotations

import asyncio
from functools import partial
from uuid import uuid4

import pytest

from protea_common.jobs import claim_job
from protea_common.messaging.bus import Acknowledged
from protea_common.messaging.topology import WorkQueue
from protea_common.operations import OPERATIONS, Ping
from protea_common.runtime import Platform
from protea_ingest.entrypoints.consumer import build_service
from protea_ingest.usecases.progress import ReadingProgress
from support.ingest_bench import IngestBench, job_created

OWN_QUEUES = {WorkQueue.PING, WorkQueue.INGEST}
OWN_OPERATIONS = [operation for operation in OPERATIONS.values() if operation.queue in OWN_QUEUES]


async def test_it_reads_its_queues_with_the_configured_prefetch(platform: Platform) -> None:
    async with build_service(platform) as service:
        consumers = {consumer.queue: consumer.prefetch for consumer in service.consumers}

    assert service.name == "protea-ingest"
    assert consumers == dict.fromkeys(OWN_QUEUES, platform.settings.queue.prefetch)


@pytest.mark.parametrize("operation", [operation.name for operation in OWN_OPERATIONS])
async def test_every_operation_of_its_queues_has_a_use_case(bench: IngestBench, operation: str) -> None:
    """A message without a use case would be dead-lettered; that of a job that is gone is done with."""
    assert await bench.handle(job_created(uuid4(), operation)) == Acknowledged()


async def test_progress_is_told_now_and_then(bench: IngestBench, platform: Platform) -> None:
    unit_of_work = partial(platform.unit_of_work, source="test")
    job_id = await bench.submit("ping", Ping())
    async with unit_of_work() as work:
        await claim_job(work, job_id, event_id=uuid4(), lease=platform.settings.worker.lease, worker=platform.worker)
    progress = ReadingProgress(unit_of_work, job_id, total_bytes=10**9)

    told = 0
    async with asyncio.timeout(30):
        while not (reports := await bench.published("job.progress", job_id)):
            told += 1
            await progress.tell(told)

    assert told > 1
    assert [(report["progress_current"], report["progress_total"]) for report in reports] == [(told, 10**9)]
