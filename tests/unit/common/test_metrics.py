"""Metrics as Prometheus reads them, and HTTP requests as they are counted."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from protea_common.telemetry import (
    HttpMetricsMiddleware,
    MetricRegistry,
    build_metric_registry,
    refresh_db_pool_gauge,
    render_metrics,
)

BATCH = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]


@pytest.fixture
def metrics() -> MetricRegistry:
    return build_metric_registry()


def value(metrics: MetricRegistry, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def client(app: ASGIApp, metrics: MetricRegistry) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(HttpMetricsMiddleware(app, metrics), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://protea")


async def requests_counted(app: ASGIApp, path: str, metrics: MetricRegistry) -> dict[str, float]:
    """Routes counted for one GET of ``path``."""
    async with client(app, metrics) as http:
        await http.get(path)
    families = text_string_to_metric_families(render_metrics(metrics)[0].decode())
    samples = [sample for family in families for sample in family.samples]
    return {sample.labels["route"]: sample.value for sample in samples if sample.name == "protea_http_requests_total"}


def gateway() -> FastAPI:
    router = APIRouter(prefix="/jobs")

    @router.get("/{job_id}")
    async def read_job(job_id: str) -> str:
        return job_id

    app = FastAPI()
    app.include_router(router, prefix="/v1")
    app.include_router(router, include_in_schema=False)
    return app


async def answer(_request: Request) -> Response:
    return PlainTextResponse("ok")


def test_names_types_and_labels_are_those_that_dashboards_know(metrics: MetricRegistry) -> None:
    metrics.jobs_total.labels(operation="ping", status="SUCCEEDED").inc()
    metrics.job_duration_seconds.labels(operation="ping", status="SUCCEEDED").observe(0.2)
    metrics.embeddings_batch_seconds.labels(backend="kmer").observe(3)
    metrics.predictions_batch_seconds.labels(runner="knn").observe(3)
    metrics.http_requests_total.labels(method="GET", route="/", status="200").inc()
    metrics.http_request_duration_seconds.labels(method="GET", route="/").observe(0.01)
    body, content_type = render_metrics(metrics)
    types = {family.name: family.type for family in text_string_to_metric_families(body.decode())}
    wanted = {
        "protea_jobs": "counter",
        "protea_job_duration_seconds": "histogram",
        "protea_embeddings_batch_seconds": "histogram",
        "protea_predictions_batch_seconds": "histogram",
        "protea_db_pool_in_use": "gauge",
        "protea_http_requests": "counter",
        "protea_http_request_duration_seconds": "histogram",
        "protea_http_requests_in_flight": "gauge",
    }
    assert wanted.items() <= types.items()
    assert content_type.startswith("text/plain")
    assert value(metrics, "protea_jobs_total", operation="ping", status="SUCCEEDED") == 1


@pytest.mark.parametrize(
    ("name", "labels", "buckets"),
    [
        (
            "job_duration_seconds",
            {"operation": "ping", "status": "FAILED"},
            [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600],
        ),
        ("embeddings_batch_seconds", {"backend": "kmer"}, BATCH),
        ("predictions_batch_seconds", {"runner": "knn"}, BATCH),
    ],
)
def test_histograms_have_the_agreed_buckets(
    metrics: MetricRegistry, name: str, labels: dict[str, str], buckets: list[float]
) -> None:
    getattr(metrics, name).labels(**labels).observe(1)
    for bound in [*map(float, buckets), float("inf")]:
        edge = "+Inf" if bound == float("inf") else str(bound)
        assert value(metrics, f"protea_{name}_bucket", le=edge, **labels) == float(bound >= 1)


def test_two_processes_count_apart() -> None:
    first, second = build_metric_registry(), build_metric_registry()
    first.jobs_total.labels(operation="ping", status="FAILED").inc()
    assert value(second, "protea_jobs_total", operation="ping", status="FAILED") is None


async def test_the_pool_gauge_shows_connections_in_use(metrics: MetricRegistry, database_url: str) -> None:
    engine = create_async_engine(database_url)
    counts = []
    async with engine.connect(), engine.connect():
        refresh_db_pool_gauge(metrics, engine)
        counts.append(value(metrics, "protea_db_pool_in_use"))
    refresh_db_pool_gauge(metrics, engine)
    counts.append(value(metrics, "protea_db_pool_in_use"))
    await engine.dispose()
    assert counts == [2, 0]


async def test_an_engine_without_a_pool_has_nothing_to_count(metrics: MetricRegistry, database_url: str) -> None:
    engine = create_async_engine(database_url, poolclass=NullPool)
    connection: AsyncConnection
    async with engine.connect() as connection:
        assert not connection.closed
        refresh_db_pool_gauge(metrics, engine)
    await engine.dispose()
    assert value(metrics, "protea_db_pool_in_use") == 0


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/jobs/7f3c", "/v1/jobs/{job_id}"),
        ("/jobs/7f3c", "/jobs/{job_id}"),
        ("/invented/by/a/scanner", "__unmatched__"),
    ],
)
async def test_a_request_is_counted_under_its_route_s_template(metrics: MetricRegistry, path: str, route: str) -> None:
    assert await requests_counted(gateway(), path, metrics) == {route: 1}


@pytest.mark.parametrize(
    ("path", "route"),
    [("/health", "/health"), ("/pages/proteins/P04637", "/pages/proteins/{accession}")],
)
async def test_a_mounted_application_is_counted_with_its_mount(metrics: MetricRegistry, path: str, route: str) -> None:
    pages = Mount("/pages", routes=[Route("/proteins/{accession}", answer)])
    assert await requests_counted(Starlette(routes=[Route("/health", answer), pages]), path, metrics) == {route: 1}


async def test_a_mounted_folder_is_one_route(metrics: MetricRegistry) -> None:
    app = FastAPI()
    app.mount("/static", PlainTextResponse("body {}"))
    assert await requests_counted(app, "/static/site.css", metrics) == {"/static/*": 1}


async def test_a_handler_that_raises_is_counted_as_500(metrics: MetricRegistry) -> None:
    async def fail(_request: Request) -> Response:
        raise ZeroDivisionError

    async with client(Starlette(routes=[Route("/fail", fail)]), metrics) as http:
        await http.get("/fail")
    assert value(metrics, "protea_http_requests_total", method="GET", route="/fail", status="500") == 1
    assert value(metrics, "protea_http_requests_in_flight") == 0


async def test_a_made_up_method_makes_no_series_of_its_own(metrics: MetricRegistry) -> None:
    async with client(Starlette(routes=[Route("/", answer)]), metrics) as http:
        await http.request("BREW", "/")
    assert value(metrics, "protea_http_requests_total", method="OTHER", route="/", status="405") == 1


async def test_a_request_is_in_flight_while_it_is_answered_and_timed_afterwards(metrics: MetricRegistry) -> None:
    seen: list[float | None] = []

    def look(show: Callable[[], float | None]) -> Route:
        async def handler(_request: Request) -> Response:
            seen.append(show())
            return PlainTextResponse("ok")

        return Route("/look", handler)

    app = Starlette(routes=[look(lambda: value(metrics, "protea_http_requests_in_flight"))])
    async with client(app, metrics) as http:
        await http.get("/look")
    assert seen == [1]
    assert value(metrics, "protea_http_requests_in_flight") == 0
    assert value(metrics, "protea_http_request_duration_seconds_count", method="GET", route="/look") == 1
