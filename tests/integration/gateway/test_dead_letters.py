"""The dead-letter queue is drained into its table."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from protea_common.events import JobCreated
from protea_common.jobs import NewJob, submit_job
from protea_common.messaging.bus import Acknowledged, DeadLettered, Disposition, IncomingMessage
from protea_common.messaging.topology import WorkQueue
from protea_common.operations import Ping
from protea_common.orm import DeadLetter
from protea_gateway.usecases.dead_letters import KeepDeadLetter
from support.gateway import GatewayBench


def letter(event_id: str) -> IncomingMessage:
    return IncomingMessage(
        message_id=event_id,
        routing_key="job.created.ping",
        body=b'{"job_id":"x"}',
        headers={"x-protea-reason": "spoilt", "x-protea-error-code": "SpoiltError", "x-protea-attempts": 1},
        queue="protea.dead-letter",
        redelivered=False,
        delivery_count=0,
    )


async def settled(gateway: GatewayBench, count: int) -> None:
    async with asyncio.timeout(10):
        while await gateway.count(DeadLetter) < count:
            await asyncio.sleep(0.02)


async def test_a_message_that_fails_for_good_ends_in_the_list(gateway: GatewayBench) -> None:
    async def give_up(_message: IncomingMessage) -> Disposition:
        return DeadLettered(reason="line 3 is spoilt", error_code="SpoiltError", attempts=2)

    subscription = await gateway.platform.bus.subscribe("protea.ping", give_up, prefetch=1)
    async with gateway.unit_of_work() as work:
        job_id = await submit_job(work, NewJob(operation="ping", payload=Ping()))
    platform = gateway.platform
    await platform.relay().send_due()
    await settled(gateway, 1)
    await subscription.stop(platform.settings.worker.heartbeat)

    listed = (await gateway.client.get("/v1/admin/dead-letters")).json()

    assert [(each["queue"], each["type"], each["subject"]) for each in listed] == [
        ("protea.ping", JobCreated.type, str(job_id))
    ]
    assert (listed[0]["reason"], listed[0]["error_code"], listed[0]["attempts"]) == (
        "line 3 is spoilt",
        "SpoiltError",
        2,
    )
    assert listed[0]["body"] == {"job_id": str(job_id), "operation": "ping"}


async def test_a_second_delivery_is_the_same_letter(gateway: GatewayBench) -> None:
    handle = gateway.service.consumers[0].handler
    message = letter(str(uuid4()))

    assert await handle(message) == await handle(message) == Acknowledged()
    assert await gateway.count(DeadLetter) == 1


async def test_a_foreign_message_is_kept_too(gateway: GatewayBench) -> None:
    handle = gateway.service.consumers[0].handler

    assert await handle(letter("not-one-of-ours")) == Acknowledged()
    assert await gateway.rows(select(DeadLetter.event_id)) == [None]


async def test_without_a_database_the_letter_stays_in_its_queue(gateway: GatewayBench) -> None:
    handle = gateway.service.consumers[0].handler
    gateway.platform.session_factory.configure(bind=create_async_engine("postgresql+asyncpg://x@127.0.0.1:1/x"))

    with pytest.raises((OSError, DBAPIError)):
        await handle(letter(str(uuid4())))


async def test_letters_are_listed_newest_first_page_by_page(gateway: GatewayBench) -> None:
    handle = gateway.service.consumers[0].handler
    sent = [str(uuid4()) for _ in range(5)]
    for event_id in sent:
        await handle(letter(event_id))

    first = await gateway.client.get("/v1/admin/dead-letters?limit=3")
    second = await gateway.client.get(first.links["next"]["url"])

    assert [UUID(each["event_id"]) for each in first.json() + second.json()] == [
        UUID(event) for event in reversed(sent)
    ]


async def test_letters_are_counted_by_their_queue_once_each(gateway: GatewayBench) -> None:
    event_id = str(uuid4())
    stranger = letter(str(uuid4()))
    keep = KeepDeadLetter(unit_of_work=gateway.unit_of_work, metrics=gateway.platform.metrics, queues=set(WorkQueue))
    known = replace(letter(event_id), headers={**letter(event_id).headers, "x-protea-queue": "protea.ingest"})

    for message in (known, known, replace(stranger, headers={"x-protea-queue": "made-up.queue"})):
        await keep(message)

    def counted(queue: str) -> float | None:
        return gateway.platform.metrics.registry.get_sample_value("protea_dead_letters_total", {"queue": queue})

    assert (counted("protea.ingest"), counted("other"), counted("protea.ping")) == (1, 1, 0)
