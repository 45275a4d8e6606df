"""What probes and scrapers are told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx
import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.applications import Starlette

from protea_common.errors import TransientError
from protea_common.telemetry import HealthCheck, build_metric_registry, health_routes


async def answers() -> None:
    return None


async def refuses() -> None:
    raise TransientError("the broker refused the connection")


async def breaks() -> None:
    raise ConnectionResetError("connection reset by peer")


async def hangs() -> None:
    await asyncio.Event().wait()


async def get(path: str, checks: Mapping[str, HealthCheck]) -> httpx.Response:
    routes = health_routes(checks, build_metric_registry(), check_timeout_seconds=0.05)
    transport = httpx.ASGITransport(Starlette(routes=routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://protea") as client:
        return await client.get(path)


async def test_a_process_is_alive_whatever_its_dependencies_do() -> None:
    response = await get("/health", {"database": refuses})
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_a_process_is_ready_when_every_dependency_answers() -> None:
    response = await get("/health/ready", {"database": answers, "broker": answers})
    assert response.status_code == 200
    assert response.json()["status"] == "ok"
    assert {name: check["status"] for name, check in response.json()["checks"].items()} == {
        "database": "ok",
        "broker": "ok",
    }


@pytest.mark.parametrize(
    ("check", "detail"),
    [
        (refuses, "the broker refused the connection"),
        (breaks, "connection reset by peer"),
        (hangs, "no answer within 0.05 s"),
    ],
)
async def test_one_failing_dependency_is_503_and_told_apart_from_the_others(check: HealthCheck, detail: str) -> None:
    response = await get("/health/ready", {"database": answers, "broker": check})
    assert response.status_code == 503
    assert response.json()["status"] == "unavailable"
    assert response.json()["checks"]["broker"] == {"status": "unavailable", "detail": detail}
    assert response.json()["checks"]["database"]["status"] == "ok"


async def test_checks_run_side_by_side() -> None:
    met = asyncio.Barrier(2)

    async def meets() -> None:
        await met.wait()

    assert (await get("/health/ready", {"database": meets, "broker": meets})).status_code == 200


async def test_metrics_are_read_fresh_at_each_scrape(database_url: str) -> None:
    engine = create_async_engine(database_url)
    transport = httpx.ASGITransport(Starlette(routes=health_routes({}, build_metric_registry(), engine=engine)))
    async with httpx.AsyncClient(transport=transport, base_url="http://protea") as client:
        async with engine.connect():
            busy = await client.get("/metrics")
        idle = await client.get("/metrics")
    await engine.dispose()
    assert "protea_db_pool_in_use 1.0" in busy.text
    assert "protea_db_pool_in_use 0.0" in idle.text
    assert busy.headers["content-type"].startswith("text/plain; version=")
