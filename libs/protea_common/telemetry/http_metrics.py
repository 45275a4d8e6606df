"""Counts and times HTTP requests by the template of their route."""

from __future__ import annotations

import time
from typing import Final

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from protea_common.telemetry.metrics import MetricRegistry

__all__ = ["UNMATCHED_ROUTE", "HttpMetricsMiddleware"]

UNMATCHED_ROUTE: Final = "__unmatched__"
"""Label of a request that no route took: its path is anyone's invention and would make a series of its own."""

KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class HttpMetricsMiddleware:
    """Moves the ``protea_http_*`` metrics around each request; a pure ASGI middleware, so streams stay streams."""

    def __init__(self, app: ASGIApp, metrics: MetricRegistry) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and count it when its answer has ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Until the application says otherwise: a request whose handler raised is answered 500 further out.
        status = 500
        began = time.perf_counter()
        mounted_at = scope.get("root_path", "")

        async def observe(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._metrics.http_requests_in_flight.track_inprogress():
            try:
                await self._app(scope, receive, observe)
            finally:
                self._count(scope, route=_template(scope, mounted_at), status=status, began=began)

    def _count(self, scope: Scope, *, route: str, status: int, began: float) -> None:
        method = scope["method"] if scope["method"] in KNOWN_METHODS else "OTHER"
        self._metrics.http_requests_total.labels(method=method, route=route, status=str(status)).inc()
        elapsed = time.perf_counter() - began
        self._metrics.http_request_duration_seconds.labels(method=method, route=route).observe(elapsed)


def _template(scope: Scope, mounted_at: str) -> str:
    """Route of a finished request, such as ``/v1/jobs/{job_id}``; a mounted folder of files is one route."""
    route = scope.get("route")
    if isinstance(route, Route):
        return _prefix(route, scope["path"]) + route.path
    inside = scope.get("root_path", "")[len(mounted_at) :]
    return f"{inside}/*" if inside else UNMATCHED_ROUTE


def _prefix(route: Route, path: str) -> str:
    """Part of ``path`` before what ``route`` itself describes: a mount, or the prefix its router was included with."""
    starts = (i for i, character in enumerate(path) if character == "/")
    return next((path[:start] for start in starts if route.path_regex.match(path[start:])), "")
