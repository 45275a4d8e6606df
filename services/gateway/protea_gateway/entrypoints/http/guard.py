"""What every route does before its handler: find out who calls, and keep the body within its limit."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message, Receive

from protea_gateway.domain.api_keys import presented_key
from protea_gateway.domain.callers import Connection
from protea_gateway.entrypoints.http.problems import BodyTooLargeError
from protea_gateway.wiring import Factory, ProcessContext

__all__ = ["FastaRoute", "GuardedRoute", "PrivateRoute", "UploadRoute"]

READING_METHODS: Final = frozenset({"GET", "HEAD"})

FORM_OVERHEAD_BYTES: Final = 65_536
"""What a form may add to the file in it: its other fields and boundaries."""


class GuardedRoute(APIRoute):
    """A route that everybody may read and whose changes need a caller.

    A dependency could say the same, but is asked only after FastAPI has read the body: strangers could fill the disk.
    """

    reads_are_public: ClassVar[bool] = True

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Put the guard before the handler."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            factory: Factory = request.app.state.factory
            request.state.caller = await factory.create_authenticate()(
                _connection(request), presented_key(request.headers), needs_caller=self._needs_caller(request.method)
            )
            body = _LimitedBody(request, self.body_limit(factory.context))
            return await handle(Request(request.scope, body.receive))

        return guarded

    def body_limit(self, context: ProcessContext) -> int:
        """Most bytes of a request's body."""
        return context.settings.max_body_bytes

    def _needs_caller(self, method: str) -> bool:
        return not (self.reads_are_public and method in READING_METHODS)


class PrivateRoute(GuardedRoute):
    """A route that needs a caller even for reading."""

    reads_are_public = False


class FastaRoute(GuardedRoute):
    """A route that takes a FASTA file in a form."""

    def body_limit(self, context: ProcessContext) -> int:
        """Most bytes of a form."""
        return context.platform.settings.api.max_fasta_bytes + FORM_OVERHEAD_BYTES


class UploadRoute(GuardedRoute):
    """A route that takes large files."""

    def body_limit(self, context: ProcessContext) -> int:
        """Most bytes of an upload."""
        return context.platform.settings.api.max_upload_bytes + FORM_OVERHEAD_BYTES


class _LimitedBody:
    """A body that is refused as soon as it turns out too large, at best by its announced length."""

    def __init__(self, request: Request, limit: int) -> None:
        announced = request.headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > limit:
            raise BodyTooLargeError(limit)
        self._receive: Receive = request.receive
        self._limit = limit
        self._room = limit

    async def receive(self) -> Message:
        message = await self._receive()
        self._room -= len(message.get("body", b""))
        if self._room < 0:
            raise BodyTooLargeError(self._limit)
        return message


def _connection(request: Request) -> Connection:
    return Connection(
        client=request.client.host if request.client else None,
        host=request.headers.get("host", ""),
        origin=request.headers.get("origin"),
    )
