"""Dead letters are sent again as what they were, once, and only where somebody can act on them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import create_async_engine

from protea_common.db import session_scope
from protea_common.events import EmbeddingsBatchRequested
from protea_common.jobs import (
    NewBatch,
    NewJob,
    cancel_job,
    claim_batch,
    claim_job,
    consume_jobs,
    dispatch_batches,
    fail_job,
    finish_job,
    submit_job,
    submit_pipeline,
)
from protea_common.jobs.claim import JobClaim
from protea_common.messaging.bus import DeadLettered, Disposition, IncomingMessage, MessageBus
from protea_common.messaging.memory import MemoryBus
from protea_common.messaging.rabbitmq import RabbitBus
from protea_common.operations import Annotate, ComputeEmbeddings
from protea_common.orm import DeadLetter, Job, JobBatch, JobEvent, JobStatus, OutboxEvent
from protea_gateway.usecases.access import CreateApiKey
from support.gateway import GatewayBench, open_gateway

LETTERS = "/v1/admin/dead-letters"


@pytest.fixture(params=["memory", "rabbitmq"])
async def either(
    request: pytest.FixtureRequest, migrated_database_url: str, tmp_path: Path
) -> AsyncIterator[GatewayBench]:
    """A gateway on each of the buses."""
    bus: MessageBus = MemoryBus()
    if request.param == "rabbitmq":
        bus = RabbitBus(str(request.getfixturevalue("amqp_url")), connection_name="test")
    async with open_gateway(migrated_database_url, tmp_path, bus=bus) as bench:
        yield bench


async def give_up(_message: IncomingMessage) -> Disposition:
    return DeadLettered(reason="no use case here", error_code="NoUseCase", attempts=1)


async def ping(gateway: GatewayBench) -> UUID:
    body = {"operation": "ping", "payload": {"n": str(uuid4())}}
    return UUID((await gateway.client.post("/v1/jobs", json=body)).json()["id"])


@asynccontextmanager
async def reading(gateway: GatewayBench, queue: str, handler: Any) -> AsyncIterator[None]:
    subscription = await gateway.platform.bus.subscribe(queue, handler, prefetch=1)
    try:
        yield
    finally:
        await subscription.stop(gateway.platform.settings.worker.heartbeat)


async def until_letters(gateway: GatewayBench, count: int) -> None:
    async with asyncio.timeout(20):
        while await gateway.count(DeadLetter) < count:
            await asyncio.sleep(0.02)


async def die(gateway: GatewayBench, queue: str = "protea.ping", *, letters: int = 1) -> None:
    """Send what waits, and have nobody able to handle it."""
    async with reading(gateway, queue, give_up):
        await gateway.relay()
        await until_letters(gateway, letters)


async def replay(gateway: GatewayBench, **body: Any) -> dict[str, Any]:
    answer = await gateway.client.post(f"{LETTERS}/replay", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def outbox_row(gateway: GatewayBench, event_id: str) -> OutboxEvent:
    rows = await gateway.rows(select(OutboxEvent).where(OutboxEvent.id == UUID(event_id)))
    assert len(rows) == 1
    return rows[0]  # type: ignore[no-any-return]  # rows of any table


async def status_of(gateway: GatewayBench, job_id: UUID) -> JobStatus:
    return (await gateway.rows(select(Job.status).where(Job.id == job_id)))[0]  # type: ignore[no-any-return]  # as above


async def test_a_dry_run_is_the_default_and_changes_nothing(gateway: GatewayBench) -> None:
    job_id = await ping(gateway)
    await die(gateway)

    report = await replay(gateway)

    assert (report["dry_run"], report["sent"], report["refused"], report["remaining"]) == (True, 1, 0, 0)
    (letter,) = report["letters"]
    assert (letter["verdict"], letter["routing_key"], letter["queue"]) == ("send", "job.created.ping", "protea.ping")
    assert letter["subject"] == str(job_id)
    assert await gateway.rows(select(DeadLetter.replayed_at)) == [None]
    assert (await outbox_row(gateway, letter["event_id"])).sent_at is not None


async def test_a_replayed_letter_is_handled_as_the_same_event(either: GatewayBench) -> None:
    job_id = await ping(either)
    (before,) = await either.rows(select(OutboxEvent).where(OutboxEvent.subject == job_id))
    await die(either)
    seen: list[IncomingMessage] = []
    parts = either.platform.consumer_parts(source="test")

    async def answer(claim: JobClaim) -> None:
        async with either.unit_of_work() as work:
            await finish_job(work, claim, result={"pong": True})

    async def watched(message: IncomingMessage) -> Disposition:
        seen.append(message)
        return await consume_jobs({"ping": answer}, parts)(message)

    report = await replay(either, dry_run=False)
    async with reading(either, "protea.ping", watched):
        await either.relay()
        async with asyncio.timeout(20):
            while await status_of(either, job_id) is not JobStatus.SUCCEEDED:
                await asyncio.sleep(0.02)

    assert (report["sent"], report["letters"][0]["verdict"]) == (1, "send")
    (message,) = seen
    assert (message.message_id, message.routing_key) == (str(before.id), "job.created.ping")
    assert message.headers == before.headers | {"x-protea-replays": 1}
    assert re.match(rb'\{"job_id":"[^"]+","operation":"ping"\}', message.body)
    assert message.headers["traceparent"].split("-")[1] == (await trace_of(either, job_id))  # type: ignore[union-attr]  # a text


async def trace_of(gateway: GatewayBench, job_id: UUID) -> str:
    return str((await gateway.rows(select(Job.trace_id).where(Job.id == job_id)))[0])


async def test_a_letter_is_sent_once(gateway: GatewayBench) -> None:
    await ping(gateway)
    await die(gateway)
    first = await replay(gateway, dry_run=False)

    again = await replay(gateway, dry_run=False)
    named = await replay(gateway, dry_run=False, ids=[first["letters"][0]["id"]])

    assert (first["sent"], again["sent"], again["letters"]) == (1, 0, [])
    assert (named["sent"], named["letters"][0]["verdict"]) == (0, "already-replayed")


async def test_two_replays_at_once_send_a_letter_once(gateway: GatewayBench) -> None:
    await ping(gateway)
    await die(gateway)

    reports = await asyncio.gather(*(replay(gateway, dry_run=False) for _ in range(3)))

    assert sum(report["sent"] for report in reports) == 1
    assert len(await gateway.rows(select(JobEvent).where(JobEvent.event == "job.dead_letter_replayed"))) == 1


async def test_a_message_that_dies_again_is_a_letter_of_its_own(either: GatewayBench) -> None:
    await ping(either)
    await die(either)
    await replay(either, dry_run=False)

    await die(either, letters=2)
    second = await replay(either, dry_run=False)
    await die(either, letters=3)

    assert second["sent"] == 1
    letters = await either.rows(select(DeadLetter).order_by(DeadLetter.id))
    assert len({letter.event_id for letter in letters}) == 1
    assert [letter.headers.get("x-protea-replays") for letter in letters] == [None, 1, 2]
    assert [letter.replayed_at is None for letter in letters] == [False, False, True]


async def test_a_letter_whose_outbox_row_is_gone_is_sent_all_the_same(gateway: GatewayBench) -> None:
    await ping(gateway)
    await die(gateway)
    async with session_scope(gateway.platform.session_factory) as session:
        await session.execute(delete(OutboxEvent))

    report = await replay(gateway, dry_run=False)

    row = await outbox_row(gateway, report["letters"][0]["event_id"])
    assert (row.routing_key, row.sent_at, row.source) == ("job.created.ping", None, "protea-gateway")


async def test_a_replay_stands_in_the_job_s_timeline(gateway: GatewayBench) -> None:
    job_id = await ping(gateway)
    await die(gateway)
    report = await replay(gateway, dry_run=False)

    (entry,) = await gateway.rows(select(JobEvent).where(JobEvent.event == "job.dead_letter_replayed"))

    assert (entry.job_id, entry.fields["dead_letter"]) == (job_id, report["letters"][0]["id"])


async def test_a_letter_of_a_failed_job_is_refused_with_what_to_do_instead(gateway: GatewayBench) -> None:
    job_id = await ping(gateway)
    await die(gateway)
    async with gateway.unit_of_work() as work:
        await fail_job(work, job_id, error_code="SpoiltError", error_message="line 3 is spoilt")

    report = await replay(gateway, dry_run=False)

    (letter,) = report["letters"]
    assert (report["sent"], report["refused"], letter["verdict"]) == (0, 1, "job-ended")
    assert f"Job {job_id} is FAILED (SpoiltError)" in letter["detail"]
    assert f"POST /v1/jobs with operation ping and the payload of /v1/jobs/{job_id}" in letter["detail"]
    assert await gateway.rows(select(DeadLetter.replayed_at)) == [None]


async def test_a_letter_of_a_failed_step_names_the_run_to_start_again(gateway: GatewayBench) -> None:
    config = uuid4()
    payload = Annotate(
        query_set_id=uuid4(), embedding_config_id=config, annotation_set_id=uuid4(), ontology_snapshot_id=uuid4()
    )
    async with gateway.unit_of_work() as work:
        step = NewJob("compute_embeddings", ComputeEmbeddings(embedding_config_id=config))
        run_id = await submit_pipeline(work, NewJob("annotate", payload), [step])
    await die(gateway, "protea.embeddings")
    (step_id,) = await gateway.rows(select(Job.id).where(Job.parent_job_id == run_id))
    async with gateway.unit_of_work() as work:
        await cancel_job(work, step_id, reason="user")

    report = await replay(gateway)

    assert f"a step of job {run_id}: start that run again" in report["letters"][0]["detail"]


async def test_a_letter_about_work_in_hand_or_gone_is_refused(gateway: GatewayBench) -> None:
    running, deleted = await ping(gateway), await ping(gateway)
    await die(gateway, letters=2)
    async with gateway.unit_of_work() as work:
        lease = gateway.platform.settings.worker.lease
        await claim_job(work, running, event_id=uuid4(), lease=lease, worker="w")
        await work.session.execute(delete(Job).where(Job.id == deleted))

    report = await replay(gateway, dry_run=False)

    verdicts = {letter["subject"]: letter["verdict"] for letter in report["letters"]}
    assert verdicts == {str(running): "work-in-hand", str(deleted): "job-gone"}


@pytest.mark.parametrize(("is_taken", "verdict"), [(False, "send"), (True, "work-in-hand")])
async def test_a_letter_of_a_batch_is_sent_while_nobody_has_the_batch(
    gateway: GatewayBench, is_taken: bool, verdict: str
) -> None:
    lease, config = gateway.platform.settings.worker.lease, uuid4()
    async with gateway.unit_of_work() as work:
        job_id = await submit_job(work, NewJob("compute_embeddings", ComputeEmbeddings(embedding_config_id=config)))
        claim = await claim_job(work, job_id, event_id=uuid4(), lease=lease, worker="w")
        assert claim is not None
        request = EmbeddingsBatchRequested(
            job_id=job_id, batch_index=0, embedding_config_id=config, sequences=1, residues=3
        )
        await dispatch_batches(work, claim, [NewBatch(request=request, payload={})])
    await die(gateway, "protea.embeddings.batch")
    if is_taken:
        async with gateway.unit_of_work() as work:
            await claim_batch(work, job_id, 0, event_id=uuid4(), lease=lease, worker="w")

    report = await replay(gateway, dry_run=False)

    (letter,) = report["letters"]
    assert (letter["verdict"], letter["routing_key"]) == (verdict, "embeddings.batch.requested")
    assert len(await gateway.rows(select(JobBatch.id))) == 1


async def test_a_letter_that_nobody_can_read_is_refused(gateway: GatewayBench) -> None:
    handle = gateway.service.consumers[0].handler
    message = IncomingMessage(
        message_id="foreign",
        routing_key="some.thing",
        body=b"\xff",
        headers={},
        queue="protea.dead-letter",
        redelivered=False,
        delivery_count=0,
    )
    await handle(message)

    (letter,) = (await replay(gateway, dry_run=False))["letters"]

    assert (letter["verdict"], letter["routing_key"], letter["event_id"]) == ("not-a-request", None, None)
    assert "Purge it" in letter["detail"]


async def test_letters_beyond_the_limit_are_told_of_and_sent_next(gateway: GatewayBench) -> None:
    for _ in range(3):
        await ping(gateway)
    await die(gateway, letters=3)

    first = await replay(gateway, dry_run=False, limit=2)
    second = await replay(gateway, dry_run=False, limit=2)

    assert [(report["sent"], report["remaining"]) for report in (first, second)] == [(2, 1), (1, 0)]


async def test_letters_are_chosen_by_queue_and_age(gateway: GatewayBench) -> None:
    await ping(gateway)
    await die(gateway)
    async with session_scope(gateway.platform.session_factory) as session:
        await session.execute(update(DeadLetter).values(created_at=DeadLetter.created_at - timedelta(seconds=90)))

    assert (await replay(gateway, queue="protea.ingest"))["sent"] == 0
    assert (await replay(gateway, queue="protea.ping"))["sent"] == 1
    assert (await replay(gateway, older_than_seconds=120))["sent"] == 0
    assert (await replay(gateway, older_than_seconds=60))["sent"] == 1


async def test_an_unknown_letter_is_a_404(gateway: GatewayBench) -> None:
    answer = await gateway.client.post(f"{LETTERS}/replay", json={"ids": [77]})

    assert (answer.status_code, answer.json()["detail"]) == (404, "There is no dead letter 77.")


@pytest.mark.parametrize(
    "body", [{"id": [1]}, {"ids": []}, {"ids": [0]}, {"ids": [2**63]}, {"limit": 0}, {"older_than_seconds": -1}]
)
@pytest.mark.parametrize("action", ["replay", "purge"])
async def test_a_wrong_choice_is_a_422_and_changes_nothing(
    gateway: GatewayBench, action: str, body: dict[str, Any]
) -> None:
    await ping(gateway)
    await die(gateway)

    answer = await gateway.client.post(f"{LETTERS}/{action}", json=body | {"dry_run": False})

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert await gateway.rows(select(DeadLetter.replayed_at)) == await gateway.rows(select(DeadLetter.purged_at))


async def test_letters_are_for_those_with_a_key(migrated_database_url: str, tmp_path: Path) -> None:
    async with open_gateway(migrated_database_url, tmp_path, authentication="required") as gateway:
        key = (await CreateApiKey(unit_of_work=gateway.unit_of_work)("operator")).key
        without = [
            await gateway.client.get(LETTERS),
            await gateway.client.post(f"{LETTERS}/replay", json={}),
            await gateway.client.post(f"{LETTERS}/purge", json={}),
        ]
        allowed = await gateway.client.post(f"{LETTERS}/replay", json={}, headers={"X-Api-Key": key})

    assert [answer.status_code for answer in without] == [401, 401, 401]
    assert allowed.status_code == 200


async def test_without_a_database_nothing_is_sent_and_later_it_is(gateway: GatewayBench) -> None:
    await ping(gateway)
    await die(gateway)
    await gateway.stop_background()
    factory = gateway.platform.session_factory
    factory.configure(bind=create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:1/nothing"))

    away = [
        await gateway.client.post(f"{LETTERS}/{action}", json={"dry_run": False, "older_than_seconds": 0})
        for action in ("replay", "purge")
    ]
    factory.configure(bind=gateway.platform.engine)

    assert [answer.status_code for answer in away] == [503, 503]
    assert (await replay(gateway, dry_run=False))["sent"] == 1


async def purge(gateway: GatewayBench, **body: Any) -> dict[str, Any]:
    answer = await gateway.client.post(f"{LETTERS}/purge", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_purge_erases_what_letters_said_and_keeps_why_they_died(gateway: GatewayBench) -> None:
    await ping(gateway)
    await ping(gateway)
    await die(gateway, letters=2)
    first = (await gateway.client.get(LETTERS)).json()[-1]["id"]
    await replay(gateway, ids=[first], dry_run=False)

    dry = await purge(gateway, queue="protea.ping")
    kept = await gateway.rows(select(DeadLetter.purged_at))
    done = await purge(gateway, queue="protea.ping", dry_run=False)
    again = await purge(gateway, queue="protea.ping", dry_run=False)

    counts = {"purged": 2, "replayed": 1, "queues": [{"queue": "protea.ping", "letters": 2, "replayed": 1}]}
    assert dry == {"dry_run": True} | counts
    assert kept == [None, None]
    assert done == {"dry_run": False} | counts
    assert (again["purged"], again["queues"]) == (0, [])
    for letter in await gateway.rows(select(DeadLetter)):
        assert (letter.body, letter.body_raw, letter.headers) == (None, None, {})
        assert (letter.reason, letter.error_code, letter.attempts) == ("no use case here", "NoUseCase", 1)


async def test_a_purge_of_everything_must_be_said(gateway: GatewayBench) -> None:
    await ping(gateway)
    await die(gateway)

    refused = await gateway.client.post(f"{LETTERS}/purge", json={"dry_run": False})

    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/not-submittable")
    assert "older than 0 seconds" in refused.json()["detail"]
    assert (await purge(gateway))["purged"] == 1
    assert (await purge(gateway, dry_run=False, older_than_seconds=0))["purged"] == 1


async def test_a_purged_letter_is_not_sent(gateway: GatewayBench) -> None:
    await ping(gateway)
    await die(gateway)
    number = (await gateway.client.get(LETTERS)).json()[0]["id"]
    await purge(gateway, dry_run=False, ids=[number])

    report = await replay(gateway, dry_run=False, ids=[number])

    assert (report["sent"], report["letters"][0]["verdict"]) == (0, "purged")


async def test_the_list_shows_open_letters_unless_asked_for_others(gateway: GatewayBench) -> None:
    for _ in range(3):
        await ping(gateway)
    await die(gateway, letters=3)
    oldest, middle, newest = sorted(each["id"] for each in (await gateway.client.get(LETTERS)).json())
    await replay(gateway, ids=[oldest], dry_run=False)
    await purge(gateway, ids=[middle], dry_run=False)

    async def listed(**wanted: str) -> list[int]:
        return [each["id"] for each in (await gateway.client.get(LETTERS, params=wanted)).json()]

    assert await listed() == await listed(state="open") == [newest]
    assert (await listed(state="replayed"), await listed(state="purged")) == ([oldest], [middle])
    assert await listed(state="all") == await listed(state="all", queue="protea.ping") == [newest, middle, oldest]
    assert await listed(state="all", queue="protea.ingest") == await listed(older_than_seconds="60") == []
