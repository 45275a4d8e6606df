"""The platform on one page, and the same as gauges: what is there is counted, a broker that is away is said."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, insert, update

from protea_common.db import session_scope
from protea_common.jobs import NewJob, claim_job, fail_job, submit_job
from protea_common.messaging.bus import BrokerUnavailableError, MessageBus, QueueState
from protea_common.messaging.memory import MemoryBus
from protea_common.messaging.topology import protea_topology
from protea_common.operations import Ping, operation_queues
from protea_common.orm import DeadLetter, Job, OutboxEvent
from protea_gateway.usecases.status import ShowStatus
from protea_gateway.usecases.watch import WatchPlatform
from support.gateway import GatewayBench


class SilentBus(MemoryBus):
    """A bus whose broker does not answer."""

    async def queue_state(self, queue: str) -> QueueState:
        raise BrokerUnavailableError(f"no broker, so nothing is known of {queue}")


async def submit(gateway: GatewayBench) -> UUID:
    async with gateway.unit_of_work() as work:
        return await submit_job(work, NewJob(operation="ping", payload=Ping.model_validate({"n": str(uuid4())})))


async def claim(gateway: GatewayBench, job_id: UUID, *, worker: str) -> None:
    async with gateway.unit_of_work() as work:
        lease = gateway.platform.settings.worker.lease
        assert await claim_job(work, job_id, event_id=uuid4(), lease=lease, worker=worker)


async def filled(gateway: GatewayBench) -> UUID:
    """Make jobs that wait, run, lost their worker and failed; two letters; a late and a delayed event."""
    await submit(gateway)
    await claim(gateway, await submit(gateway), worker="alive:1")
    lost, failed = await submit(gateway), await submit(gateway)
    await claim(gateway, lost, worker="lost:2")
    async with gateway.unit_of_work() as work:
        await fail_job(work, failed, error_code="SpoiltError", error_message="line 3 is spoilt")
    await gateway.relay()
    async with session_scope(gateway.platform.session_factory) as session:
        await session.execute(update(Job).where(Job.id == lost).values(leased_until=func.now() - timedelta(seconds=30)))
        letter = {"queue": "protea.ping", "type": "job.created", "reason": "r", "error_code": "E", "attempts": 1}
        await session.execute(insert(DeadLetter).values(**letter, headers={}, body={}))
        await session.execute(insert(DeadLetter).values(**letter, headers={}, body={}, purged_at=func.now()))
        for due in (timedelta(seconds=-90), timedelta(hours=1)):
            event = {"id": uuid4(), "routing_key": "job.progress", "source": "test", "body": {}, "headers": {}}
            await session.execute(insert(OutboxEvent).values(**event, available_at=func.now() + due))
    return failed


async def test_one_page_shows_queues_workers_leases_lag_letters_and_errors(gateway: GatewayBench) -> None:
    await gateway.stop_background()
    failed = await filled(gateway)

    seen = (await gateway.client.get("/v1/status")).json()

    (ping,) = [queue for queue in seen["queues"] if queue["name"] == "protea.ping"]
    assert (ping["service"], ping["ready"], ping["unacknowledged"], ping["consumers"]) == ("protea-ingest", 4, 2, 0)
    assert ping["oldest_open_seconds"] > 0
    assert {(w["worker"], w["holds"], w["expired"]) for w in seen["workers"]} == {("alive:1", 1, 0), ("lost:2", 1, 1)}
    assert (seen["leases"]["held"], seen["leases"]["expired"]) == (2, 1)
    assert seen["jobs"]["active"] == {"QUEUED": 1, "RUNNING": 2}
    assert seen["jobs"]["ended_last_day"] == {"SUCCEEDED": 0, "FAILED": 1, "CANCELLED": 0}
    assert (seen["outbox"]["unsent"], seen["outbox"]["delayed"]) == (1, 1)
    assert 90 <= seen["outbox"]["oldest_seconds"] < 150
    assert seen["dead_letters"]["open"] == 1
    assert [(e["job_id"], e["error_code"], e["message"]) for e in seen["errors"]] == [
        (str(failed), "SpoiltError", "line 3 is spoilt")
    ]
    assert seen["broker_error"] is None


async def test_every_queue_of_the_topology_is_on_the_page_with_its_reader(client: httpx.AsyncClient) -> None:
    queues = (await client.get("/v1/status")).json()["queues"]

    assert [queue["name"] for queue in queues] == [queue.name for queue in protea_topology(operation_queues()).queues]
    assert [queue["name"] for queue in queues if queue["service"] is None] == []


async def test_without_a_broker_the_rest_of_the_page_is_there(gateway: GatewayBench) -> None:
    await submit(gateway)
    show = looking(gateway, SilentBus())

    seen = await show()

    assert seen.broker_error is not None
    assert "no broker" in seen.broker_error
    assert {queue.ready for queue in seen.queues} == {None}
    assert sum(seen.jobs.active.values()) == 1


def looking(gateway: GatewayBench, bus: MessageBus) -> ShowStatus:
    topology = protea_topology(operation_queues(), embedding_pools=["large"])
    return ShowStatus(unit_of_work=gateway.unit_of_work, bus=bus, lease=timedelta(seconds=20), topology=topology)


def series(body: str) -> dict[str, Any]:
    """Values by name and labels, as ``name{queue}``."""
    samples = [sample for family in text_string_to_metric_families(body) for sample in family.samples]
    return {"/".join((sample.name, *sample.labels.values())): sample.value for sample in samples}


async def test_the_metrics_show_the_page_as_gauges(gateway: GatewayBench) -> None:
    await gateway.stop_background()
    await filled(gateway)
    platform = gateway.platform
    show = looking(gateway, platform.bus)

    await WatchPlatform(show_status=show, metrics=platform.metrics, interval=timedelta(seconds=1)).look()
    shown = series((await gateway.client.get("/metrics")).text)

    assert shown["protea_queue_ready/protea.ping"] == 4
    assert shown["protea_queue_held/protea.ping"] == 2
    assert shown["protea_queue_consumers/protea.ping"] == 0
    assert shown["protea_queue_oldest_open_seconds/protea.ping"] > 0
    assert shown["protea_queue_oldest_open_seconds/protea.ingest"] == 0
    assert (shown["protea_jobs_active/QUEUED"], shown["protea_jobs_active/RUNNING"]) == (1, 2)
    assert (shown["protea_leases_held"], shown["protea_leases_expired"]) == (2, 1)
    assert shown["protea_outbox_unsent"] == 1
    assert 90 <= shown["protea_outbox_oldest_seconds"] < 150
    assert shown["protea_dead_letters_open"] == 1
    assert shown["protea_platform_observed_timestamp_seconds"] > 1.7e9


async def test_what_a_broker_no_longer_tells_has_no_series(gateway: GatewayBench) -> None:
    await gateway.stop_background()
    platform = gateway.platform
    for bus in (platform.bus, SilentBus()):
        show = looking(gateway, bus)
        await WatchPlatform(show_status=show, metrics=platform.metrics, interval=timedelta(seconds=1)).look()

    shown = series((await gateway.client.get("/metrics")).text)

    assert "protea_queue_ready/protea.ping" not in shown
    assert shown["protea_queue_held/protea.ping"] == 0


async def test_the_gateway_looks_by_itself(gateway: GatewayBench) -> None:
    async def observed() -> float:
        body = (await gateway.client.get("/v1/metrics")).text
        return float(series(body)["protea_platform_observed_timestamp_seconds"])

    async with asyncio.timeout(20):
        while not await observed():
            await asyncio.sleep(0.05)
