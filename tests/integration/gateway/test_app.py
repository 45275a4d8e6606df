"""What all routes have in common: errors, documentation, health, metrics and the start page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import create_async_engine

from protea_gateway.entrypoints.http.app import RESOURCES
from protea_gateway.entrypoints.http.guard import GuardedRoute
from support.gateway import GatewayBench, open_gateway

ERRORS = {"4XX", "5XX"}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


@pytest.fixture
async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    return dict((await client.get("/openapi.json")).json())


def test_every_route_is_guarded() -> None:
    routes = [route for router in RESOURCES for route in router.routes]

    assert len(routes) > 50
    assert [route for route in routes if not isinstance(route, GuardedRoute)] == []


def test_every_route_has_a_summary_of_its_own() -> None:
    routes = [route for router in RESOURCES for route in router.routes if isinstance(route, APIRoute)]

    assert [route.path for route in routes if not route.summary] == []
    assert len({route.summary for route in routes}) == len(routes)


async def test_every_answer_is_described(document: dict[str, Any]) -> None:
    undescribed = [
        name
        for name, operation in operations(document)
        for status, answer in operation["responses"].items()
        if status not in ERRORS | {"204"}
        and not any(content.get("schema") for content in answer.get("content", {}).values())
    ]

    assert undescribed == []


async def test_every_error_is_described_as_a_problem(document: dict[str, Any]) -> None:
    assert "Problem" in document["components"]["schemas"]
    for name, operation in operations(document):
        assert operation["responses"].keys() >= ERRORS, name
        assert operation["responses"]["4XX"]["content"].keys() == {"application/problem+json"}
        assert "422" not in operation["responses"], name


async def test_every_reference_of_the_documentation_leads_somewhere(document: dict[str, Any]) -> None:
    wanted = set(re.findall(r"#/components/schemas/([^'\"]+)", str(document)))

    assert wanted <= document["components"]["schemas"].keys()


async def test_downloads_and_streams_are_documented_by_their_media_types(document: dict[str, Any]) -> None:
    def media_types(path: str) -> set[str]:
        return set(document["paths"][path]["get"]["responses"]["200"]["content"])

    assert media_types("/v1/jobs/{job_id}/file") == {"application/octet-stream"}
    predictions = "/v1/embeddings/prediction-sets/{set_id}/predictions"
    assert media_types(f"{predictions}.tsv") == media_types(f"{predictions}-cafa.tsv") == {"text/tab-separated-values"}
    assert media_types("/v1/stream") == media_types("/v1/jobs/{job_id}/stream") == {"text/event-stream"}


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/v1/nothing", 404, "not-found"),
        ("GET", "/nothing", 404, "not-found"),
        ("PUT", "/v1/jobs", 405, "method-not-allowed"),
    ],
)
async def test_an_unknown_address_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int, slug: str
) -> None:
    answer = await client.request(method, path)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json() == {
        "type": f"/problems/{slug}",
        "title": answer.json()["title"],
        "status": status,
        "detail": answer.json()["detail"],
        "instance": path,
        "trace_id": answer.headers["traceresponse"].split("-")[1],
    }


async def test_an_error_of_ours_tells_the_user_nothing_of_its_inside(gateway: GatewayBench) -> None:
    app = gateway.service.app

    async def broken() -> None:
        raise RuntimeError("MKVLAAGIVGLLAQPSWTEQ")

    app.add_api_route("/broken", broken)  # type: ignore[union-attr]  # a FastAPI application

    answer = await gateway.client.get("/broken")

    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal-error")
    assert "MKVLAAG" not in answer.text
    assert "trace_id" in answer.json()


async def test_without_a_database_requests_are_answered_503(migrated_database_url: str, tmp_path: Path) -> None:
    async with open_gateway(migrated_database_url, tmp_path) as gateway:
        await gateway.stop_background()
        await gateway.platform.engine.dispose()
        gateway.platform.session_factory.configure(bind=unreachable_engine())
        answers = [
            await gateway.client.get("/v1/jobs"),
            await gateway.client.get("/v1/jobs", headers={"X-Api-Key": "0" * 64}),
        ]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert answers[0].json()["type"] == "/problems/temporarily-unavailable"
    assert answers[0].headers["retry-after"] == "5"


def unreachable_engine() -> Any:
    return create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")


async def test_health_tells_whether_it_lives_and_can_work(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health")).json() == {"status": "ok"}
    ready = await client.get("/health/ready")
    assert (ready.status_code, set(ready.json()["checks"])) == (200, {"database", "broker"})


@pytest.mark.parametrize("path", ["/metrics", "/v1/metrics"])
async def test_requests_are_counted_by_their_template(client: httpx.AsyncClient, path: str) -> None:
    await client.get("/v1/jobs/00000000-0000-4000-8000-000000000000")

    metrics = (await client.get(path)).text

    labels = 'method="GET",route="/v1/jobs/{job_id}",status="404"'
    assert f"protea_http_requests_total{{{labels}}} 1.0" in metrics


async def test_the_start_page_needs_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    page = await client.get("/")

    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert re.findall(r"(?:src|href)=[\"'](?!/|#)[^\"']*", page.text) == []
    assert "http://" not in page.text
    assert "https://" not in page.text
