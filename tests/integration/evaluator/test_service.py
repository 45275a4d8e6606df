"""The evaluator as it runs: a submitted job reaches it over the bus, and it stops when it is told to."""

from __future__ import annotations

import asyncio

from protea_common.messaging.topology import protea_topology
from protea_common.operations import operation_queues
from protea_common.orm import JobStatus
from protea_common.runtime import serve
from protea_evaluator.entrypoints.consumer import build_service
from protea_evaluator.settings import EvaluatorSettings
from support.evaluation import KINASE, small_graph
from support.evaluator import EvaluatorBench


async def test_a_submitted_job_is_done_and_the_service_drains(bench: EvaluatorBench) -> None:
    snapshot_id = await bench.insert_graph(small_graph())
    old = await bench.insert_annotations(snapshot_id, [])
    new = await bench.insert_annotations(snapshot_id, [("P1", KINASE, "IDA", None)])
    await bench.platform.bus.connect()
    await bench.platform.bus.declare(protea_topology(operation_queues()))
    stop = asyncio.Event()

    async with build_service(bench.platform, settings=EvaluatorSettings()) as service:
        running = asyncio.create_task(serve(bench.platform, [service], stop, forgetful_bus=True))
        job_id = await bench.generate(old, new)
        async with asyncio.timeout(30):
            while (await bench.job(job_id)).status is not JobStatus.SUCCEEDED:
                await asyncio.sleep(0.05)
        stop.set()
        await running

    (stored,) = await bench.evaluation_sets()
    assert stored.stats["nk_proteins"] == 1
