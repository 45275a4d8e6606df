"""Jobs over HTTP."""

from __future__ import annotations

from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select, update

from protea_common.db import session_scope
from protea_common.jobs import claim_job, record
from protea_common.operations import dedup_key
from protea_common.orm import Job
from support.gateway import GatewayBench

UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def submit(client: httpx.AsyncClient, operation: str = "ping", **body: object) -> httpx.Response:
    return await client.post("/v1/jobs", json={"operation": operation, **body})


async def ping(client: httpx.AsyncClient, **payload: object) -> str:
    return str((await submit(client, payload={"n": str(uuid4()), **payload})).json()["id"])


async def claim(gateway: GatewayBench, job_id: str) -> None:
    async with gateway.unit_of_work() as work:
        lease = gateway.platform.settings.worker.lease
        assert await claim_job(work, UUID(job_id), event_id=uuid4(), lease=lease, worker="w") is not None


async def test_a_job_is_accepted_and_shown(client: httpx.AsyncClient) -> None:
    answer = await submit(client, payload={"n": 1}, meta={"rung": 3}, description="smoke test", tags=["a", "b"])

    assert answer.status_code == 201
    assert answer.json()["status"] == "QUEUED"
    job = (await client.get(answer.headers["location"])).json()
    assert job["id"] == answer.json()["id"]
    assert (job["operation"], job["queue_name"], job["payload"]) == ("ping", "protea.ping", {"n": 1})
    assert (job["meta"], job["description"], job["tags"]) == ({"rung": 3}, "smoke test", ["a", "b"])
    assert job["trace_id"] == answer.headers["traceresponse"].split("-")[1]
    assert job["trace_url"] is None


async def test_a_job_posted_twice_names_the_first(client: httpx.AsyncClient) -> None:
    first = await submit(client, payload={"n": 1})

    second = await submit(client, payload={"n": 1})

    assert (second.status_code, second.json()["existing_job_id"]) == (409, first.json()["id"])


@pytest.mark.parametrize(
    ("body", "slug", "fields"),
    [
        ({"operation": "fly"}, "unknown-operation", None),
        ({"operation": "ping", "queue_name": "protea.jobs"}, "not-submittable", ["queue_name"]),
        ({"operation": "annotate"}, "not-submittable", ["operation"]),
        ({"operation": "load_proteins", "payload": {}}, "invalid-payload", ["source_uri"]),
        (
            {"operation": "load_proteins", "payload": {"source_uri": "http://x", "colour": 1}},
            "invalid-payload",
            ["source_uri", "colour"],
        ),
        ({"operation": "ping", "colour": "red"}, "invalid-request", ["body.colour"]),
        ({}, "invalid-request", ["body.operation"]),
        ({"operation": "ping", "description": "a\0b"}, "unstorable-text", None),
        ({"operation": "ping", "payload": {"n": "a\0b"}}, "unstorable-text", None),
    ],
)
async def test_a_job_that_cannot_succeed_is_refused(
    client: httpx.AsyncClient, body: dict[str, object], slug: str, fields: list[str] | None
) -> None:
    answer = await client.post("/v1/jobs", json=body)

    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (422, f"/problems/{slug}")
    assert (fields is None and "errors" not in problem) or [error["field"] for error in problem["errors"]] == fields


@pytest.mark.parametrize(
    ("operation", "payload"),
    [
        ("compute_embeddings", {"embedding_config_id": UNKNOWN}),
        ("load_proteins", {"source_uri": "artifact:uploads/none/proteins.fasta"}),
    ],
)
async def test_a_payload_that_names_what_is_not_there_is_refused(
    client: httpx.AsyncClient, operation: str, payload: dict[str, str]
) -> None:
    assert (await submit(client, operation, payload=payload)).status_code == 404


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null"])
async def test_a_body_that_is_no_object_is_refused(client: httpx.AsyncClient, content: bytes) -> None:
    answer = await client.post("/v1/jobs", content=content, headers={"content-type": "application/json"})

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-request")


async def test_a_huge_body_is_refused(client: httpx.AsyncClient) -> None:
    answer = await submit(client, payload={"n": "x" * 9 * 1024**2})

    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


async def test_lists_are_read_page_by_page_without_a_loss_or_a_repeat(gateway: GatewayBench) -> None:
    ids = {await ping(gateway.client) for _ in range(7)}
    async with session_scope(gateway.platform.session_factory) as session:
        # All of the same moment: the id decides.
        moment = (await gateway.rows(select(Job.created_at)))[0]
        await session.execute(update(Job).values(created_at=moment))
    address, seen = "/v1/jobs?limit=3", list[str]()
    while address:
        answer = await gateway.client.get(address)
        seen += [job["id"] for job in answer.json()]
        address = answer.links.get("next", {}).get("url", "")

    assert len(seen) == 7
    assert set(seen) == ids


async def test_lists_are_filtered(gateway: GatewayBench) -> None:
    running, queued = await ping(gateway.client), await ping(gateway.client)
    await claim(gateway, running)

    async def listed(query: str) -> list[str]:
        return [job["id"] for job in (await gateway.client.get(f"/v1/jobs?{query}")).json()]

    assert await listed("status=RUNNING") == await listed("status=running") == [running]
    assert await listed("status=QUEUED") == [queued]
    assert await listed("operation=load_proteins") == []
    assert await listed("operation=ping") == [queued, running]
    same = await ping(gateway.client, n="of its own")
    assert await listed(f"dedup_key={dedup_key('ping', {'n': 'of its own'})}") == [same]


async def test_steps_are_listed_when_asked_for(gateway: GatewayBench) -> None:
    await gateway.add_references()
    run = (await gateway.client.post("/v1/annotate", data={"fasta_text": ">A\nMKV\n"})).json()["job_id"]

    async def listed(query: str) -> list[str]:
        return [job["operation"] for job in (await gateway.client.get(f"/v1/jobs?{query}")).json()]

    assert await listed("") == ["annotate"]
    assert sorted(await listed("include_children=true")) == ["annotate", "compute_embeddings", "predict_go_terms"]
    assert sorted(await listed(f"parent_job_id={run}")) == ["compute_embeddings", "predict_go_terms"]


@pytest.mark.parametrize("query", ["status=sleeping", "limit=0", "limit=501", "after=nonsense", "parent_job_id=x"])
async def test_wrong_filters_are_named(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/v1/jobs?{query}")

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_notes_change_what_is_given_and_nothing_else(client: httpx.AsyncClient) -> None:
    job_id = (await submit(client, description="first", tags=["a"])).json()["id"]

    changed = await client.patch(f"/v1/jobs/{job_id}", json={"findings": "it answers"})

    assert changed.status_code == 200
    assert (changed.json()["description"], changed.json()["tags"]) == ("first", ["a"])
    assert (await client.get(f"/v1/jobs/{job_id}")).json()["findings"] == "it answers"
    assert (await client.patch(f"/v1/jobs/{job_id}", json={"status": "FAILED"})).status_code == 422


async def test_a_timeline_is_read_newest_first_page_by_page(gateway: GatewayBench) -> None:
    job_id = await ping(gateway.client)
    async with gateway.unit_of_work() as work:
        for number in range(4):
            await record(work, UUID(job_id), "note", fields={"number": number})

    first = await gateway.client.get(f"/v1/jobs/{job_id}/events?limit=3")
    second = await gateway.client.get(first.links["next"]["url"])

    assert [entry["fields"].get("number") for entry in first.json() + second.json()] == [3, 2, 1, 0, None]
    assert second.json()[-1]["event"] == "job.created"


async def test_comments_are_read_oldest_first(client: httpx.AsyncClient) -> None:
    job_id = await ping(client)
    for body in ("one", "two"):
        answer = await client.post(f"/v1/jobs/{job_id}/comments", json={"body": body, "author": "Ada"})
        assert answer.status_code == 201

    listed = (await client.get(f"/v1/jobs/{job_id}/comments")).json()
    later = (await client.get(f"/v1/jobs/{job_id}/comments?after={listed[0]['id']}")).json()

    assert [(comment["author"], comment["body"]) for comment in listed] == [("Ada", "one"), ("Ada", "two")]
    assert [comment["body"] for comment in later] == ["two"]
    assert (await client.post(f"/v1/jobs/{job_id}/comments", json={"body": "  "})).status_code == 422


async def test_cancelling_ends_a_job_once(client: httpx.AsyncClient) -> None:
    job_id = await ping(client)

    first = await client.post(f"/v1/jobs/{job_id}/cancel")
    second = await client.post(f"/v1/jobs/{job_id}/cancel")

    assert first.status_code == second.status_code == 200
    assert first.json() == second.json() == {"id": job_id, "status": "CANCELLED", "children_cancelled": 0}
    events = [entry["event"] for entry in (await client.get(f"/v1/jobs/{job_id}/events")).json()]
    assert events == ["job.cancelled", "job.created"]


async def test_a_running_job_cannot_be_deleted(gateway: GatewayBench) -> None:
    job_id = await ping(gateway.client)
    await claim(gateway, job_id)

    refused = await gateway.client.delete(f"/v1/jobs/{job_id}")
    await gateway.client.post(f"/v1/jobs/{job_id}/cancel")
    gone = await gateway.client.delete(f"/v1/jobs/{job_id}")

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/conflict")
    assert (gone.status_code, gone.json()) == (200, {"deleted": job_id})
    assert (await gateway.client.get(f"/v1/jobs/{job_id}")).status_code == 404


async def test_a_step_that_others_wait_for_cannot_be_deleted(gateway: GatewayBench) -> None:
    await gateway.add_references()
    run = (await gateway.client.post("/v1/annotate", data={"fasta_text": ">A\nMKV\n"})).json()["job_id"]
    jobs = (await gateway.client.get(f"/v1/jobs?parent_job_id={run}")).json()
    embed = next(job["id"] for job in jobs if job["operation"] == "compute_embeddings")

    assert (await gateway.client.delete(f"/v1/jobs/{embed}")).status_code == 409


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/events"),
        ("GET", "/stream"),
        ("POST", "/cancel"),
        ("GET", "/comments"),
        ("POST", "/comments"),
    ],
)
async def test_an_unknown_job_is_not_found(client: httpx.AsyncClient, method: str, path: str) -> None:
    body = {"body": "x"} if path == "/comments" else {}

    answer = await client.request(method, f"/v1/jobs/{UNKNOWN}{path}", json=body)

    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
