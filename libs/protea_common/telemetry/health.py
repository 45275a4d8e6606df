"""The routes by which the outside sees a process: is it alive, can it work, what has it counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from protea_common.errors import ProteaError
from protea_common.telemetry.metrics import MetricRegistry, refresh_db_pool_gauge, render_metrics

__all__ = ["HealthCheck", "health_routes", "metrics_endpoint"]

CHECK_TIMEOUT_SECONDS: Final = 2.0
"""Below the three seconds or more that probes wait: a hanging dependency must be told, not time out the probe."""

HealthCheck: TypeAlias = Callable[[], Awaitable[None]]
"""Returns if a dependency answers, raises a ``ProteaError`` or an ``OSError`` that says why not."""

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def health_routes(
    checks: Mapping[str, HealthCheck],
    metrics: MetricRegistry,
    *,
    engine: AsyncEngine | None = None,
    check_timeout_seconds: float = CHECK_TIMEOUT_SECONDS,
) -> list[Route]:
    """Routes ``/health`` (alive), ``/health/ready`` (dependencies answer, else 503) and ``/metrics``.

    Parameters
    ----------
    checks
        One check per dependency, by the name shown in the answer; all run at once.
    metrics
        What ``/metrics`` shows.
    engine
        Its pool is counted at each reading of ``/metrics``.
    check_timeout_seconds
        A check that takes longer has failed.
    """

    async def alive(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_request: Request) -> Response:
        results = await asyncio.gather(*(_run(check, check_timeout_seconds) for check in checks.values()))
        healthy = all(result["status"] == "ok" for result in results)
        content = {"status": "ok" if healthy else "unavailable", "checks": dict(zip(checks, results, strict=True))}
        return JSONResponse(content, status_code=200 if healthy else 503)

    return [
        Route("/health", alive),
        Route("/health/ready", ready),
        Route("/metrics", metrics_endpoint(metrics, engine=engine)),
    ]


def metrics_endpoint(metrics: MetricRegistry, *, engine: AsyncEngine | None = None) -> Endpoint:
    """Make the handler of ``/metrics``; the gateway serves the same one under ``/v1/metrics`` too."""

    async def endpoint(_request: Request) -> Response:
        if engine is not None:
            refresh_db_pool_gauge(metrics, engine)
        body, content_type = render_metrics(metrics)
        return Response(body, headers={"content-type": content_type})

    return endpoint


async def _run(check: HealthCheck, timeout_seconds: float) -> dict[str, str | float]:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(timeout_seconds):
            await check()
    except TimeoutError:
        return {"status": "unavailable", "detail": f"no answer within {timeout_seconds:g} s"}
    except (ProteaError, OSError) as exc:
        return {"status": "unavailable", "detail": str(exc)}
    return {"status": "ok", "seconds": round(time.perf_counter() - began, 4)}
