"""The outbox: what was committed reaches the bus, what was rolled back never does, nothing goes twice to a worker."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from protea_common.db import session_scope
from protea_common.events import AnnotationsLoaded, JobCreated
from protea_common.messaging.bus import (
    Acknowledged,
    BrokerUnavailableError,
    IncomingMessage,
    OutgoingMessage,
)
from protea_common.messaging.memory import MemoryBus
from protea_common.messaging.outbox import OutboxRelay
from protea_common.messaging.topology import protea_topology
from protea_common.operations import operation_queues
from protea_common.orm import OutboxEvent
from support.jobs import JobBench, until


class BrokenBus(MemoryBus):
    """A bus that cannot confirm."""

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        raise BrokerUnavailableError("away")


@pytest.fixture
async def bus() -> AsyncIterator[MemoryBus]:
    bus = MemoryBus()
    await bus.connect()
    await bus.declare(protea_topology(operation_queues()))
    yield bus
    await bus.aclose()


def relay(bench: JobBench, bus: MemoryBus) -> OutboxRelay:
    return OutboxRelay(bench.engine, bus, doorbell=bench.doorbell)


async def unsent(bench: JobBench) -> int:
    async with session_scope(bench.session_factory) as session:
        count = select(func.count()).select_from(OutboxEvent).where(OutboxEvent.sent_at.is_(None))
        return await session.scalar(count) or 0


async def test_a_committed_job_reaches_the_queue_of_its_operation(bench: JobBench, bus: MemoryBus) -> None:
    await bench.submit()

    assert await relay(bench, bus).send_due() == 1
    assert await bus.queue_depth("protea.ping") == 1
    assert await unsent(bench) == 0


async def test_sent_rows_are_not_sent_again(bench: JobBench, bus: MemoryBus) -> None:
    await bench.submit()
    await relay(bench, bus).send_due()

    assert await relay(bench, bus).send_due() == 0


async def test_a_row_stays_unsent_while_the_broker_is_away(bench: JobBench, bus: MemoryBus) -> None:
    await bench.submit()

    with pytest.raises(BrokerUnavailableError):
        await relay(bench, BrokenBus()).send_due()
    assert await unsent(bench) == 1
    assert await relay(bench, bus).send_due() == 1


async def test_a_delayed_row_waits_for_its_time(bench: JobBench, bus: MemoryBus) -> None:
    event = JobCreated(job_id=uuid4(), operation="ping")
    async with bench.unit_of_work() as work:
        work.publish(event, available_at=datetime.now(UTC) + timedelta(hours=1))

    assert await relay(bench, bus).send_due() == 0
    assert await unsent(bench) == 1


async def test_news_that_nobody_listens_to_counts_as_sent(bench: JobBench, bus: MemoryBus) -> None:
    news = AnnotationsLoaded(job_id=uuid4(), annotation_set_id=uuid4(), ontology_snapshot_id=uuid4(), annotations=1)
    async with bench.unit_of_work() as work:
        work.publish(news)

    assert await relay(bench, bus).send_due() == 1
    assert await unsent(bench) == 0


async def test_two_relays_share_the_rows(bench: JobBench, bus: MemoryBus) -> None:
    for _ in range(20):
        await bench.submit()

    sent = await asyncio.gather(*(relay(bench, bus).send_due() for _ in range(2)))

    assert sum(sent) == 20
    assert await bus.queue_depth("protea.ping") == 20


async def test_a_commit_wakes_the_relay(bench: JobBench, bus: MemoryBus) -> None:
    heard: list[IncomingMessage] = []

    async def listen(message: IncomingMessage) -> Acknowledged:
        heard.append(message)
        return Acknowledged()

    await bus.subscribe("protea.ping", listen, prefetch=1)
    task = asyncio.create_task(relay(bench, bus).run())
    try:
        job_id = await bench.submit()
        await until(lambda: bool(heard))
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    assert heard[0].headers["cloudEvents_subject"] == str(job_id)
    assert heard[0].headers["cloudEvents_type"] == "job.created"
