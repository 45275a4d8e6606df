"""One trace: the request's trace id travels in the outbox row, over the bus, into the use case and the next step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from protea_common.events import JobCreated
from protea_common.jobs import JobClaim, NewJob, consume_jobs, finish_job, submit_pipeline
from protea_common.messaging.memory import MemoryBus
from protea_common.messaging.outbox import OutboxRelay
from protea_common.messaging.topology import protea_topology
from protea_common.operations import Ping, operation_queues
from protea_common.telemetry import current_trace_id
from support.jobs import JobBench, until

TRACE_ID = 0x4BF92F3577B34DA6A3CE929D0E0E4736


@contextmanager
def request_span() -> Iterator[None]:
    context = SpanContext(TRACE_ID, 0x00F067AA0BA902B7, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    with trace.use_span(NonRecordingSpan(context)):
        yield


def has_finished(bench: JobBench, jobs: int) -> bool:
    return [event.type for event in bench.observed].count("job.succeeded") >= jobs


async def test_every_step_of_a_pipeline_runs_in_the_trace_of_its_request(bench: JobBench) -> None:
    seen: list[str | None] = []

    async def use_case(claim: JobClaim) -> None:
        seen.append(current_trace_id())
        async with bench.unit_of_work() as work:
            await finish_job(work, claim, result={})

    bus = MemoryBus()
    await bus.connect()
    await bus.declare(protea_topology(operation_queues()))
    await bus.subscribe("protea.ping", consume_jobs({"ping": use_case}, bench.parts()), prefetch=1)
    relay = OutboxRelay(bench.engine, bus, doorbell=bench.doorbell)
    steps = [NewJob(operation="ping", payload=Ping.model_validate({"step": n})) for n in (1, 2)]

    with request_span():
        async with bench.unit_of_work() as work:
            pipeline_id = await submit_pipeline(work, NewJob(operation="ping", payload=Ping()), steps)
    for finished in (1, 2):
        await relay.send_due()
        await until(partial(has_finished, bench, finished))
    await bus.aclose()

    assert seen == [f"{TRACE_ID:032x}"] * 2
    assert (await bench.job(pipeline_id)).trace_id == f"{TRACE_ID:032x}"


async def test_a_message_outside_any_trace_is_handled_all_the_same(bench: JobBench) -> None:
    traces: list[str | None] = []

    async def use_case(claim: JobClaim) -> None:
        traces.append(current_trace_id())
        async with bench.unit_of_work() as work:
            await finish_job(work, claim, result={})

    await consume_jobs({"ping": use_case}, bench.parts())(
        bench.message(JobCreated(job_id=await bench.submit(), operation="ping"))
    )

    assert traces == [None]
