"""The live stream: nothing lost, nothing twice, whatever commits when and however often the reader comes back."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import insert, select

from protea_common.jobs import cancel_job, claim_job, record, succeed_job
from protea_common.orm import Job, JobEvent
from protea_common.runtime import serve_http
from support.gateway import GatewayBench, open_gateway


@dataclass(frozen=True, slots=True)
class Event:
    id: int
    name: str
    data: dict[str, object]


class Reader:
    """Reads a stream as a browser does."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.comments = 0

    async def events(self, count: int | None = None) -> list[Event]:
        """Read so many events, or to the end."""
        found: list[Event] = []
        fields: dict[str, str] = {}
        async with asyncio.timeout(20):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                self.comments += line.startswith(":")
                fields[name] = value
                if not line and "data" in fields:
                    found.append(Event(int(fields["id"]), fields["event"], json.loads(fields["data"])))
                    fields = {}
                    if len(found) == count:
                        break
        return found


@pytest.fixture
async def served(migrated_database_url: str, tmp_path: Path) -> AsyncIterator[GatewayBench]:
    """A gateway on a real port: the transport without a network waits for the end of an answer."""
    port, often = free_port(), timedelta(seconds=0.2)
    async with open_gateway(migrated_database_url, tmp_path, stream_heartbeat=often, stream_poll=often) as gateway:
        assert gateway.service.app is not None
        async with (
            serve_http(gateway.service.app, host="127.0.0.1", port=port),
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
        ):
            gateway.client = client
            yield gateway


@asynccontextmanager
async def stream(gateway: GatewayBench, path: str, **headers: str) -> AsyncIterator[Reader]:
    async with gateway.client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Reader(answer.aiter_lines())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def ping(gateway: GatewayBench) -> UUID:
    body = {"operation": "ping", "payload": {"n": str(uuid4())}}
    return UUID((await gateway.client.post("/v1/jobs", json=body)).json()["id"])


async def note(gateway: GatewayBench, job_id: UUID, number: int) -> None:
    async with gateway.unit_of_work() as work:
        # A write before the note, as everywhere in the platform: the transaction has its number before the id.
        await work.session.execute(select(Job.id).where(Job.id == job_id).with_for_update(key_share=True))
        await record(work, job_id, "note", fields={"number": number})


async def finish(gateway: GatewayBench, job_id: UUID) -> None:
    lease = gateway.platform.settings.worker.lease
    async with gateway.unit_of_work() as work:
        await claim_job(work, job_id, event_id=uuid4(), lease=lease, worker="w")
    async with gateway.unit_of_work() as work:
        await succeed_job(work, job_id, result={"ok": True})


async def test_a_job_that_has_ended_is_replayed_to_its_end(served: GatewayBench) -> None:
    job_id = await ping(served)
    await finish(served, job_id)

    async with stream(served, f"/v1/jobs/{job_id}/stream") as reader:
        events = await reader.events()

    assert [event.name for event in events] == ["job.created", "job.started", "job.succeeded"]
    assert events[-1].data["fields"] == {"ok": True}
    assert events[-1].data["job_id"] == str(job_id)


async def test_a_stream_goes_on_live_and_ends_with_its_job(served: GatewayBench) -> None:
    job_id = await ping(served)

    async with stream(served, f"/v1/jobs/{job_id}/stream") as reader:
        assert [event.name for event in await reader.events(1)] == ["job.created"]
        await note(served, job_id, 1)
        assert [event.name for event in await reader.events(1)] == ["note"]
        await finish(served, job_id)
        assert [event.name for event in await reader.events()] == ["job.started", "job.succeeded"]


@pytest.mark.parametrize("by_header", [True, False], ids=["header", "query"])
async def test_a_reader_that_comes_back_gets_what_it_missed_and_no_more(served: GatewayBench, by_header: bool) -> None:
    job_id = await ping(served)
    await note(served, job_id, 1)
    path = f"/v1/jobs/{job_id}/stream"
    async with stream(served, path) as reader:
        seen = (await reader.events(2))[-1].id
    await note(served, job_id, 2)
    await finish(served, job_id)

    headers = {"Last-Event-ID": str(seen)} if by_header else {}
    async with stream(served, path if by_header else f"{path}?last_event_id={seen}", **headers) as reader:
        events = await reader.events()

    assert [event.name for event in events] == ["note", "job.started", "job.succeeded"]


async def test_a_browser_that_has_seen_the_end_is_told_to_stop(served: GatewayBench) -> None:
    job_id = await ping(served)
    await finish(served, job_id)
    path = f"/v1/jobs/{job_id}/stream"
    async with stream(served, path) as reader:
        last = (await reader.events())[-1].id

    assert (await served.client.get(path, headers={"Last-Event-ID": str(last)})).status_code == 204


async def test_a_stream_of_a_pipeline_tells_of_its_steps(served: GatewayBench) -> None:
    await served.add_references()
    answer = await served.client.post("/v1/annotate", data={"fasta_text": ">A\nMKV\n"})
    run = UUID(answer.json()["job_id"])

    async with stream(served, f"/v1/jobs/{run}/stream") as reader:
        created = await reader.events(3)
        async with served.unit_of_work() as work:
            await cancel_job(work, run, reason="test")
        cancelled = await reader.events()

    assert {event.name for event in created} == {"job.created"}
    assert len({event.data["job_id"] for event in created}) == 3
    assert cancelled[-1].name == "job.cancelled"
    assert cancelled[-1].data["job_id"] == str(run)


async def test_an_event_that_is_committed_late_is_neither_lost_nor_out_of_order(served: GatewayBench) -> None:
    slow, fast = await ping(served), await ping(served)

    async with stream(served, "/v1/stream?last_event_id=0") as reader:
        await reader.events(2)
        async with served.unit_of_work() as work:
            await work.session.execute(select(Job.id).where(Job.id == slow).with_for_update(key_share=True))
            await record(work, slow, "late")
            # Its id is greater, and it is committed first.
            await note(served, fast, 1)
            await asyncio.sleep(0.6)
        events = await reader.events(2)

    assert [event.name for event in events] == ["late", "note"]
    assert events[0].id < events[1].id


async def test_a_reader_that_comes_back_in_between_still_gets_the_late_event(served: GatewayBench) -> None:
    slow, fast = await ping(served), await ping(served)
    last = 0
    async with stream(served, "/v1/stream?last_event_id=0") as reader:
        last = (await reader.events(2))[-1].id
    async with served.unit_of_work() as work:
        await work.session.execute(select(Job.id).where(Job.id == slow).with_for_update(key_share=True))
        await record(work, slow, "late")
        await note(served, fast, 1)
        async with stream(served, "/v1/stream", **{"Last-Event-ID": str(last)}) as reader:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.6):
                    await reader.events(1)

    async with stream(served, "/v1/stream", **{"Last-Event-ID": str(last)}) as reader:
        assert [event.name for event in await reader.events(2)] == ["late", "note"]


async def test_an_event_that_was_rolled_back_does_not_hold_up_the_others(served: GatewayBench) -> None:
    job_id = await ping(served)

    async with stream(served, f"/v1/jobs/{job_id}/stream") as reader:
        await reader.events(1)
        with pytest.raises(ZeroDivisionError):
            async with served.unit_of_work() as work:
                await work.session.execute(insert(JobEvent).values(job_id=job_id, event="gone"))
                raise ZeroDivisionError
        await note(served, job_id, 1)
        assert [event.name for event in await reader.events(1)] == ["note"]


async def test_many_writers_at_once_are_read_whole_and_in_order(served: GatewayBench) -> None:
    jobs = [await ping(served) for _ in range(4)]

    async with stream(served, "/v1/stream?last_event_id=0") as reader:
        await reader.events(4)
        await asyncio.gather(*(note(served, jobs[number % 4], number) for number in range(60)))
        events = await reader.events(60)

    assert [event.id for event in events] == sorted({event.id for event in events})
    assert {event.data["fields"]["number"] for event in events} == set(range(60))  # type: ignore[index]  # parsed JSON


async def test_a_new_listener_to_everything_starts_now(served: GatewayBench) -> None:
    job_id = await ping(served)
    async with stream(served, f"/v1/jobs/{job_id}/stream") as reader:
        await reader.events(1)

    async with stream(served, "/v1/stream") as reader:
        await note(served, job_id, 7)
        assert [event.data["fields"] for event in await reader.events(1)] == [{"number": 7}]


async def test_silence_is_filled_with_comments(served: GatewayBench) -> None:
    job_id = await ping(served)

    async with stream(served, f"/v1/jobs/{job_id}/stream") as reader:
        await reader.events(1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await reader.events(1)

    assert reader.comments >= 2


async def test_a_broadcast_wakes_the_stream_before_the_next_poll(migrated_database_url: str, tmp_path: Path) -> None:
    never = timedelta(hours=1)
    async with open_gateway(migrated_database_url, tmp_path, stream_heartbeat=never, stream_poll=never) as gateway:
        relay = gateway.platform.relay()
        job_id = await ping(gateway)
        await relay.send_due()
        answer = asyncio.ensure_future(gateway.client.get(f"/v1/jobs/{job_id}/stream"))
        await finish(gateway, job_id)
        await relay.send_due()

        async with asyncio.timeout(10):
            assert b"job.succeeded" in (await answer).content


async def test_streams_end_when_the_gateway_stops(served: GatewayBench) -> None:
    job_id = await ping(served)

    async with stream(served, f"/v1/jobs/{job_id}/stream") as reader:
        await reader.events(1)
        await served.stop_background()
        assert await reader.events() == []


@pytest.mark.parametrize("value", ["x", "-1", "99999999999999999999"])
async def test_a_wrong_last_event_is_refused(served: GatewayBench, value: str) -> None:
    answer = await served.client.get("/v1/stream", headers={"Last-Event-ID": value})

    assert answer.status_code == 422
