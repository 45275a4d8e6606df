"""The application: every route, what surrounds them, and the documentation."""

from __future__ import annotations

from importlib import metadata, resources
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from protea_common.runtime import Platform, health_checks
from protea_common.telemetry import HttpMetricsMiddleware, health_routes, metrics_endpoint
from protea_gateway.entrypoints.http import (
    access,
    admin,
    annotate,
    annotation_sets,
    embeddings,
    evaluations,
    experiments,
    jobs,
    live,
    ontologies,
    predictions,
    query_sets,
    scoring,
    status,
    training,
    uploads,
)
from protea_gateway.entrypoints.http.problems import PROBLEM_RESPONSES, Problem, install_problem_handlers
from protea_gateway.entrypoints.http.traces import TRACE_HEADER, TraceMiddleware
from protea_gateway.wiring import Factory

__all__ = ["create_app"]

DESCRIPTION: Final = """
Protein function prediction: send protein sequences, get ranked Gene Ontology terms.

`POST /v1/annotate` does it all. What it needs first are reference data: an ontology, proteins, annotations and
embeddings, which are jobs (`POST /v1/uploads`, then `POST /v1/jobs`).

Every error is `application/problem+json`. Changes need an API key: `Authorization: ApiKey KEY` or `X-Api-Key: KEY`.
"""

RESOURCES: Final[tuple[APIRouter, ...]] = (
    annotate.router,
    uploads.router,
    # Before the jobs: `/jobs/{job_id}/stream` is one of its routes.
    live.router,
    jobs.router,
    query_sets.router,
    ontologies.router,
    annotation_sets.router,
    embeddings.router,
    predictions.router,
    scoring.router,
    evaluations.router,
    experiments.router,
    training.router,
    access.router,
    admin.router,
    status.router,
)

# The page brings its own script and style, and may talk to this server only.
PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}


class _Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """Describe the errors once, where all routes point to."""
        document = super().openapi()
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"] |= {**schema.pop("$defs", {}), "Problem": schema}
        return document

    def build_middleware_stack(self) -> ASGIApp:
        """Surround all of it with the trace: added as a middleware it would be missing from the answers to bugs."""
        return TraceMiddleware(super().build_middleware_stack())


def create_app(factory: Factory) -> FastAPI:
    """Build the application of one process."""
    platform = factory.context.platform
    app = _Api(
        title="PROTEA",
        version=metadata.version("protea"),
        description=DESCRIPTION,
        responses=PROBLEM_RESPONSES,
    )
    app.state.factory = factory
    for router in RESOURCES:
        app.include_router(router, prefix="/v1")
    app.router.routes.extend(_plain_routes(platform))
    install_problem_handlers(app)
    if platform.settings.allowed_origins:
        _allow_origins(app, platform.settings.allowed_origins)
    app.add_middleware(HttpMetricsMiddleware, metrics=platform.metrics)
    return app


def _plain_routes(platform: Platform) -> list[Route]:
    metrics = metrics_endpoint(platform.metrics, engine=platform.engine)
    return [
        *health_routes(health_checks(platform), platform.metrics, engine=platform.engine),
        Route("/v1/metrics", metrics),
        Route("/", _start_page),
    ]


def _allow_origins(app: FastAPI, origins: tuple[str, ...]) -> None:
    app.add_middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["*"],
        allow_headers=["Authorization", "Content-Type", "Last-Event-ID", "X-Api-Key", "traceparent", "tracestate"],
        expose_headers=["Content-Disposition", "Link", "Location", TRACE_HEADER],
    )


async def _start_page(_request: Request) -> Response:
    page = resources.files("protea_gateway") / "pages" / "index.html"
    return HTMLResponse(page.read_text(encoding="utf8"), headers=PAGE_HEADERS)
