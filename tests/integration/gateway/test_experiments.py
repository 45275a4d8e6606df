"""Experiment runs over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from support.gateway import GatewayBench

RUNS = "/v1/experiment-runs"


async def made(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.post(RUNS, json={"name": "first", **fields})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{RUNS}/{answer.json()['id']}"
    return dict(answer.json())


async def test_an_experiment_is_planned_with_what_is_expected_of_it(client: httpx.AsyncClient) -> None:
    run = await made(client, hypothesis="better", config={"k": 5}, tags=["a"])

    assert (run["status"], run["hypothesis"], run["config"], run["tags"]) == ("PLANNED", "better", {"k": 5}, ["a"])
    assert (await client.get(f"{RUNS}/{run['id']}")).json() == run
    assert (run["started_at"], run["finished_at"], run["findings"]) == (None, None, None)


async def test_a_name_is_given_once(client: httpx.AsyncClient) -> None:
    await made(client)

    again = await client.post(RUNS, json={"name": "first"})

    assert (again.status_code, again.json()["type"]) == (409, "/problems/name-taken")


async def test_the_first_start_and_the_first_end_are_kept(client: httpx.AsyncClient) -> None:
    address = f"{RUNS}/{(await made(client))['id']}"

    started = (await client.patch(address, json={"status": "running"})).json()
    ended = (await client.patch(address, json={"status": "DONE", "findings": "it was"})).json()
    resumed = (await client.patch(address, json={"status": "RUNNING"})).json()
    ended_again = (await client.patch(address, json={"status": "DONE"})).json()

    assert started["started_at"] is not None
    assert (ended["findings"], ended["finished_at"] is not None) == ("it was", True)
    assert resumed["started_at"] == started["started_at"]
    assert ended_again["finished_at"] == ended["finished_at"]
    assert ended_again["findings"] == "it was"


async def test_lists_are_narrowed_by_status_and_name(client: httpx.AsyncClient) -> None:
    first, second = await made(client), await made(client, name="second")
    await client.patch(f"{RUNS}/{second['id']}", json={"status": "ABANDONED"})

    async def names(**wanted: str) -> list[str]:
        return [run["name"] for run in (await client.get(RUNS, params=wanted)).json()]

    assert await names() == ["second", "first"]
    assert await names(status="abandoned") == ["second"]
    assert await names(name=first["name"]) == ["first"]
    assert (await client.get(RUNS, params={"status": "lost"})).status_code == 422


async def test_where_an_experiment_stands_is_kept_and_listed(client: httpx.AsyncClient) -> None:
    axes = {"plm": "esm2", "k": 5, "eval_set_name": "reporting", "propagation": "fill", "ensemble_spec": {"a": 0.5}}
    await made(client, **axes)
    await made(client, name="elsewhere", **{**axes, "k": 6})
    await made(client, name="nowhere")

    nowhere, elsewhere, first = (await client.get(RUNS)).json()
    (found,) = (await client.get(RUNS, params={"axis_tuple_shortid": first["axis_tuple_shortid"]})).json()

    assert {axis: first[axis] for axis in axes} == axes
    assert (first["reranker_spec_id"], first["schema_sha_v2"]) == (None, None)
    assert found == first
    assert len(first["axis_tuple_shortid"]) == 12
    assert first["axis_tuple_shortid"] != elsewhere["axis_tuple_shortid"]
    assert nowhere["axis_tuple_shortid"] is None


async def test_two_experiments_at_one_point_are_refused(client: httpx.AsyncClient) -> None:
    await made(client, plm="esm2", k=5)

    again = await client.post(RUNS, json={"name": "second", "k": 5, "plm": "esm2"})
    renamed = await client.post(RUNS, json={"name": "first", "k": 5, "plm": "esm2"})

    assert (again.status_code, again.json()["type"]) == (409, "/problems/axes-taken")
    assert "'first'" in again.json()["detail"]
    assert renamed.json()["type"] == "/problems/name-taken"


async def test_who_began_an_experiment_is_stamped_by_the_server(gateway: GatewayBench) -> None:
    key = (await gateway.client.post("/v1/auth/api-keys", json={"name": "lab"})).json()["key"]
    remote = gateway.client_from("192.0.2.7", base_url="http://protea.example")
    sent = {"name": "first", "provenance": {"api_key_prefix": "somebody"}}

    run = (await remote.post(RUNS, json=sent, headers={"X-Api-Key": key})).json()
    changed = (await gateway.client.patch(f"{RUNS}/{run['id']}", json={"provenance": {"rows": []}})).json()

    assert run["provenance"] == {"api_key_prefix": key[:8]}
    assert changed["provenance"] == {"rows": [], "api_key_prefix": key[:8]}
    assert (await remote.post(RUNS, json={"name": "nobody's"})).status_code == 401
    await remote.aclose()


async def test_a_deleted_experiment_is_gone(client: httpx.AsyncClient) -> None:
    address = f"{RUNS}/{(await made(client))['id']}"

    assert (await client.delete(address)).status_code == 204
    assert (await client.get(address)).status_code == 404
    assert (await client.patch(f"{RUNS}/{uuid4()}", json={})).status_code == 404


async def test_unknown_fields_and_an_endless_name_are_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post(RUNS, json={"name": "x", "model": "esm"})).status_code == 422
    assert (await client.post(RUNS, json={"name": "x" * 191})).status_code == 422
    assert (await client.post(RUNS, json={"name": "  "})).status_code == 422
