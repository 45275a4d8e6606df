"""Who may do what, with and without a key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from protea_common.orm import ApiKey, Job
from protea_gateway.usecases.access import CreateApiKey
from support.gateway import GatewayBench, open_gateway

FOREIGN = "http://evil.example"


@asynccontextmanager
async def opened(database_url: str, folder: Path, authentication: str) -> AsyncIterator[GatewayBench]:
    async with open_gateway(database_url, folder, authentication=authentication) as bench:
        yield bench


@pytest.fixture
async def closed(migrated_database_url: str, tmp_path: Path) -> AsyncIterator[GatewayBench]:
    """A gateway that wants a key for every change."""
    async with opened(migrated_database_url, tmp_path, "required") as bench:
        yield bench


async def key_of(gateway: GatewayBench) -> str:
    return (await CreateApiKey(unit_of_work=gateway.unit_of_work)("test")).key


async def write(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    return await client.post("/v1/jobs", json={"operation": "ping"}, headers=headers)


async def test_a_change_without_a_key_is_challenged(closed: GatewayBench) -> None:
    answer = await write(closed.client)

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/authentication-required")
    assert answer.headers["www-authenticate"].startswith("ApiKey")
    assert "protea keys create" in answer.json()["detail"]


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key"])
async def test_a_change_with_a_key_is_done_and_bears_its_prefix(closed: GatewayBench, header: str) -> None:
    key = await key_of(closed)

    answer = await write(closed.client, **{header: f"ApiKey {key}" if header == "Authorization" else key})

    assert answer.status_code == 201
    assert await closed.rows(select(Job.api_key_prefix)) == [key[:8]]


@pytest.mark.parametrize("key", ["", "short", "0" * 64, "g" * 64])
async def test_a_wrong_key_is_refused_even_for_reading(closed: GatewayBench, key: str) -> None:
    assert (await closed.client.get("/v1/jobs", headers={"X-Api-Key": key})).status_code == 401


async def test_a_key_that_only_begins_like_a_valid_one_is_refused(closed: GatewayBench) -> None:
    key = await key_of(closed)

    assert (await write(closed.client, **{"X-Api-Key": key[:8] + "0" * 56})).status_code == 401


@pytest.mark.parametrize(
    "path", ["/v1/jobs", "/v1/stream?last_event_id=x", "/health", "/openapi.json", "/", "/metrics"]
)
async def test_reading_needs_no_key(closed: GatewayBench, path: str) -> None:
    assert (await closed.client.get(path)).status_code != 401


@pytest.mark.parametrize("path", ["/v1/auth/api-keys", "/v1/admin/dead-letters"])
async def test_keys_and_dead_letters_are_not_for_everybody(closed: GatewayBench, path: str) -> None:
    key = await key_of(closed)

    assert (await closed.client.get(path)).status_code == 401
    assert (await closed.client.get(path, headers={"X-Api-Key": key})).status_code == 200


async def test_a_stranger_cannot_make_the_gateway_read_a_body(closed: GatewayBench) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b"x" * 1_000

    assert (await closed.client.post("/v1/uploads", content=body())).status_code == 401
    assert sent <= 1


async def test_the_life_of_a_key(closed: GatewayBench) -> None:
    first = {"X-Api-Key": await key_of(closed)}

    made = await closed.client.post("/v1/auth/api-keys", json={"name": "laptop"}, headers=first)
    second = {"X-Api-Key": made.json()["key"]}
    assert made.status_code == 201
    assert (await write(closed.client, **second)).status_code == 201
    listed = (await closed.client.get("/v1/auth/api-keys", headers=first)).json()
    revoked = await closed.client.delete(f"/v1/auth/api-keys/{made.json()['id']}", headers=first)
    assert revoked.status_code == 204

    assert [(key["name"], key["prefix"]) for key in listed] == [
        ("laptop", made.json()["key"][:8]),
        ("test", first["X-Api-Key"][:8]),
    ]
    assert "key" not in listed[0]
    assert (await write(closed.client, **second)).status_code == 401
    stored = await closed.rows(select(ApiKey.key_hash))
    assert made.json()["key"] not in stored


async def test_the_last_use_of_a_key_is_written_beside_the_requests(closed: GatewayBench) -> None:
    key = {"X-Api-Key": await key_of(closed)}
    before = (await closed.client.get("/v1/auth/api-keys", headers=key)).json()

    await closed.stop_background()

    after = (await closed.client.get("/v1/auth/api-keys", headers=key)).json()
    assert before[0]["last_used_at"] is None
    assert after[0]["last_used_at"] is not None


@pytest.mark.parametrize("authentication", ["required", "loopback"])
@pytest.mark.parametrize(
    ("client", "base_url", "origin", "may_write_on_a_laptop"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000", None, True),
        ("127.0.0.1", "http://localhost:8000", "http://localhost:8000", True),
        ("::1", "http://[::1]:8000", None, True),
        ("10.0.0.9", "http://127.0.0.1:8000", None, False),
        ("127.0.0.1", FOREIGN, None, False),
        ("127.0.0.1", "http://127.0.0.1:8000", FOREIGN, False),
    ],
    ids=["address", "own page", "IPv6", "other machine", "rebound name", "page of another site"],
)
async def test_only_somebody_at_a_laptop_writes_without_a_key(
    migrated_database_url: str,
    tmp_path: Path,
    *,
    authentication: str,
    client: str,
    base_url: str,
    origin: str | None,
    may_write_on_a_laptop: bool,
) -> None:
    allowed = authentication == "loopback" and may_write_on_a_laptop
    headers = {} if origin is None else {"Origin": origin}
    async with (
        opened(migrated_database_url, tmp_path, authentication) as gateway,
        gateway.client_from(client, base_url=base_url) as caller,
    ):
        refused = await write(caller, **headers)
        with_key = await write(caller, **headers, **{"X-Api-Key": await key_of(gateway)})

    assert refused.status_code == (201 if allowed else 401)
    assert with_key.status_code == (409 if allowed else 201)


async def test_a_rebound_name_reads_nothing_of_a_laptop(gateway: GatewayBench) -> None:
    async with gateway.client_from("127.0.0.1", base_url=FOREIGN) as page:
        assert (await page.get("/v1/jobs")).status_code == 401


async def test_pages_of_allowed_origins_may_call(client: httpx.AsyncClient) -> None:
    preflight = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}

    allowed = await client.options("/v1/annotate", headers=preflight)
    refused = await client.options("/v1/annotate", headers=preflight | {"Origin": FOREIGN})

    assert allowed.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "access-control-allow-origin" not in refused.headers
