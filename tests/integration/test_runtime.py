"""Running services: work flows from the outbox to a use case, and a stop drains."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from starlette.applications import Starlette

from protea_common.db import DatabaseUnavailableError
from protea_common.jobs import JobClaim, NewJob, consume_jobs, finish_job, submit_job
from protea_common.messaging.bus import BrokerUnavailableError, OutgoingMessage
from protea_common.messaging.memory import MemoryBus
from protea_common.operations import Ping
from protea_common.orm import Job, JobStatus
from protea_common.runtime import (
    AddressInUseError,
    Platform,
    QueueConsumer,
    Service,
    health_checks,
    open_platform,
    serve,
    serve_http,
)
from protea_common.settings import Settings, load_settings
from protea_common.telemetry import health_routes

UseCase = Callable[[JobClaim], Awaitable[None]]


def settings(db_url: str, folder: Path) -> Settings:
    overrides = {
        "db_url": db_url,
        "amqp_url": "amqp://unused/",
        "artifacts_dir": folder,
        "startup": {"dependency_wait": 1},
        "tuning": {"worker": {"shutdown_grace": 2, "reaper_interval": 1}},
    }
    return load_settings(folder, overrides=overrides)


@pytest.fixture
async def platform(migrated_database_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with open_platform(settings(migrated_database_url, tmp_path), MemoryBus()) as platform:
        yield platform


async def submit(platform: Platform) -> UUID:
    async with platform.unit_of_work(source="test") as work:
        return await submit_job(work, NewJob(operation="ping", payload=Ping.model_validate({"n": str(uuid4())})))


async def status(platform: Platform, job_id: UUID) -> JobStatus:
    async with platform.session_factory() as session:
        job = await session.get_one(Job, job_id)
        return job.status


async def ended(platform: Platform, job_id: UUID) -> JobStatus:
    async with asyncio.timeout(15):
        while (found := await status(platform, job_id)) in (JobStatus.QUEUED, JobStatus.RUNNING):
            await asyncio.sleep(0.05)
        return found


@asynccontextmanager
async def running(platform: Platform, use_case: UseCase) -> AsyncIterator[asyncio.Event]:
    """Serve ``ping`` with a use case; the event stops it."""
    handler = consume_jobs({"ping": use_case}, platform.consumer_parts(source="test"))
    service = Service(name="test", consumers=[QueueConsumer("protea.ping", handler, 1)])
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(platform, [service], stop, forgetful_bus=True))
        try:
            yield stop
        finally:
            stop.set()


def finishing(platform: Platform) -> UseCase:
    async def use_case(claim: JobClaim) -> None:
        async with platform.unit_of_work(source="test") as work:
            await finish_job(work, claim, result={})

    return use_case


async def test_a_submitted_job_flows_through_outbox_and_bus_to_its_end(platform: Platform) -> None:
    async with running(platform, finishing(platform)):
        assert await ended(platform, await submit(platform)) is JobStatus.SUCCEEDED


async def test_what_was_accepted_before_the_start_is_done_after_it(platform: Platform) -> None:
    job_id = await submit(platform)

    async with running(platform, finishing(platform)):
        assert await ended(platform, job_id) is JobStatus.SUCCEEDED


async def test_work_that_a_forgetful_bus_lost_is_done_after_the_next_start(platform: Platform) -> None:
    job_id = await submit(platform)
    assert await platform.relay().send_due() == 1  # into a bus that is about to be forgotten
    settings_again = platform.settings
    async with open_platform(settings_again, MemoryBus()) as next_life, running(next_life, finishing(next_life)):
        assert await ended(next_life, job_id) is JobStatus.SUCCEEDED


async def test_a_stop_lets_running_work_end(platform: Platform) -> None:
    started, release = asyncio.Event(), asyncio.Event()
    finish = finishing(platform)

    async def use_case(claim: JobClaim) -> None:
        started.set()
        await release.wait()
        await finish(claim)

    async with running(platform, use_case) as stop:
        job_id = await submit(platform)
        await started.wait()
        stop.set()
        release.set()

    assert await status(platform, job_id) is JobStatus.SUCCEEDED


class BusThatFallsSilent(MemoryBus):
    """Confirms nothing once it is silent."""

    is_silent = False

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        if self.is_silent:
            raise BrokerUnavailableError("the confirmation did not come")
        await super().publish(messages)


async def test_a_stop_beside_a_dead_broker_ends_well_and_leaves_the_event_to_others(
    migrated_database_url: str, tmp_path: Path
) -> None:
    bus = BusThatFallsSilent()
    async with open_platform(settings(migrated_database_url, tmp_path), bus) as platform:
        async with running(platform, finishing(platform)) as stop:
            bus.is_silent = True
            job_id = await submit(platform)
            stop.set()

        bus.is_silent = False
        assert await platform.relay().send_due() == 1
        assert await status(platform, job_id) is JobStatus.QUEUED


async def test_a_background_task_whose_cancellation_got_lost_in_an_error_is_ended_all_the_same(
    platform: Platform,
) -> None:
    cancellations = 0

    async def forgetful() -> None:
        nonlocal cancellations
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancellations += 1
                if cancellations > 1:
                    raise

    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(15):
        await serve(platform, [Service(name="test", background=[forgetful])], stop, forgetful_bus=True)

    assert cancellations == 2


async def test_a_stop_hands_back_what_does_not_end_within_the_grace(platform: Platform) -> None:
    started = asyncio.Event()

    async def use_case(claim: JobClaim) -> None:
        started.set()
        await asyncio.Event().wait()

    async with running(platform, use_case) as stop:
        job_id = await submit(platform)
        await started.wait()
        stop.set()

    assert await status(platform, job_id) is JobStatus.QUEUED


async def test_a_database_that_never_answers_is_reported_after_the_limit(tmp_path: Path) -> None:
    nowhere = settings("postgresql://postgres:secret@127.0.0.1:1/protea", tmp_path)

    with pytest.raises(DatabaseUnavailableError, match="PROTEA_DB_URL") as caught:
        async with open_platform(nowhere, MemoryBus()):
            pass

    assert "secret" not in str(caught.value)


async def test_health_readiness_and_metrics_are_served(platform: Platform, unused_tcp_port: int) -> None:
    app = Starlette(routes=health_routes(health_checks(platform), platform.metrics))
    async with (
        serve_http(app, host="127.0.0.1", port=unused_tcp_port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{unused_tcp_port}") as client,
    ):
        answers = {path: await client.get(path) for path in ("/health", "/health/ready", "/metrics")}

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(answers, 200)
    assert "protea_jobs_total" in answers["/metrics"].text


async def test_readiness_names_the_dependency_that_is_away(platform: Platform, unused_tcp_port: int) -> None:
    await platform.bus.aclose()
    app = Starlette(routes=health_routes(health_checks(platform), platform.metrics))
    async with (
        serve_http(app, host="127.0.0.1", port=unused_tcp_port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{unused_tcp_port}") as client,
    ):
        answer = await client.get("/health/ready")

    assert answer.status_code == 503
    assert "broker" in answer.text


async def test_a_port_that_is_taken_is_a_clear_error(platform: Platform, unused_tcp_port: int) -> None:
    app = Starlette(routes=health_routes(health_checks(platform), platform.metrics))
    async with serve_http(app, host="127.0.0.1", port=unused_tcp_port):
        with pytest.raises(AddressInUseError, match=str(unused_tcp_port)):
            async with serve_http(app, host="127.0.0.1", port=unused_tcp_port):
                pass
