"""Every error as ``application/problem+json`` (RFC 9457), in one place."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from protea_common.domain.text_stream import TooLargeError
from protea_common.errors import ProteaError
from protea_common.telemetry import current_trace_id

__all__ = ["PROBLEM_RESPONSES", "BodyTooLargeError", "Problem", "install_problem_handlers"]

MEDIA_TYPE: Final = "application/problem+json"

CHALLENGE: Final = 'ApiKey realm="protea"'

EXTENSIONS: Final = ("errors", "existing_job_id", "line", "accession", "missing")
"""Attributes of our errors that a program may want to read."""

NUL_CHARACTER_STATES: Final = frozenset({"22021", "22P05"})
"""PostgreSQL's error codes for text that holds NUL, the one character that it cannot keep."""


class FieldProblem(BaseModel):
    """What is wrong with one field of a request."""

    field: str = Field(description="Where, for example `body.payload.source_uri`.")
    message: str = Field(description="What is wrong with it.")


class Problem(BaseModel):
    """What was wrong, and what to do."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Stable name of the problem.", examples=["/problems/duplicate-active-job"])
    title: str = Field(description="The problem in general.")
    status: int = Field(description="HTTP status.")
    detail: str | None = Field(default=None, description="The problem in this case, and what to do.")
    instance: str | None = Field(default=None, description="Path of the request.")
    trace_id: str | None = Field(default=None, description="Under which operators find the request in traces.")
    errors: list[FieldProblem] | None = Field(default=None, description="The fields that are wrong.")


PROBLEM_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": text, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for status, text in (("4XX", "The request cannot be done as it is."), ("5XX", "Try again later."))
}
"""What the documentation says of errors, the same for every route."""


class BodyTooLargeError(TooLargeError, HTTPException):
    """The body of the request is larger than this address accepts."""

    # Also an HTTPException: FastAPI passes no other one on while it reads a body.
    def __init__(self, limit: int) -> None:
        message = f"The body has more than {limit:,} bytes; send less at a time."
        HTTPException.__init__(self, status_code=self.status, detail=message)

    def __str__(self) -> str:
        """Say what to do."""
        return self.detail


def install_problem_handlers(app: FastAPI) -> None:
    """Make the application answer every error as a problem."""
    app.add_exception_handler(ProteaError, _protea_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(DBAPIError, _database_error)
    for unreachable in (OSError, PoolTimeoutError):
        app.add_exception_handler(unreachable, _unreachable)
    app.add_exception_handler(Exception, _unexpected)


async def _protea_error(request: Request, exc: Exception) -> JSONResponse:
    if not isinstance(exc, ProteaError):
        raise exc
    found = {name: getattr(exc, name, None) for name in EXTENSIONS}
    return _answer(
        request,
        slug=exc.slug,
        title=(type(exc).__doc__ or exc.code).partition("\n")[0],
        status=exc.status,
        detail=str(exc),
        headers={"WWW-Authenticate": CHALLENGE} if exc.status == HTTPStatus.UNAUTHORIZED else None,
        extensions={name: value for name, value in found.items() if value is not None},
    )


async def _validation_error(request: Request, exc: Exception) -> JSONResponse:
    if not isinstance(exc, RequestValidationError):
        raise exc
    # Without the input: a mistyped field may hold a sequence or a key.
    errors = [{"field": ".".join(map(str, error["loc"])), "message": error["msg"]} for error in exc.errors()]
    return _answer(
        request,
        slug="invalid-request",
        title="Fields of the request are missing, unknown or wrong.",
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        detail="; ".join(f"{error['field']}: {error['message']}" for error in errors),
        extensions={"errors": errors},
    )


async def _http_error(request: Request, exc: Exception) -> JSONResponse:
    if not isinstance(exc, HTTPException):
        raise exc
    phrase = HTTPStatus(exc.status_code).phrase
    detail = exc.detail if exc.detail != phrase else f"{request.method} {request.url.path}: {phrase.lower()}."
    slug = phrase.lower().replace(" ", "-")
    return _answer(request, slug=slug, title=phrase, status=exc.status_code, detail=detail, headers=exc.headers)


async def _database_error(request: Request, exc: Exception) -> JSONResponse:
    if not isinstance(exc, DBAPIError):
        raise exc
    if getattr(exc.orig, "sqlstate", None) in NUL_CHARACTER_STATES:
        detail = "The request holds a NUL character, which cannot be kept; take it out."
        return _answer(
            request,
            slug="unstorable-text",
            title="A text in the request cannot be stored.",
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
            detail=detail,
        )
    if exc.connection_invalidated or isinstance(exc, OperationalError | InterfaceError):
        return await _unreachable(request, exc)
    raise exc


async def _unreachable(request: Request, _exc: Exception) -> JSONResponse:
    return _answer(
        request,
        slug="temporarily-unavailable",
        title="Something that the gateway needs does not answer.",
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        detail="The database or the file store does not answer; /health/ready tells which. Try again later.",
        headers={"Retry-After": "5"},
    )


async def _unexpected(request: Request, _exc: Exception) -> JSONResponse:
    return _answer(
        request,
        slug="internal-error",
        title="PROTEA made a mistake.",
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        detail="The error was logged. If it happens again, report it with the trace_id.",
    )


def _answer(
    request: Request,
    *,
    slug: str,
    title: str,
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    extensions: Mapping[str, Any] | None = None,
) -> JSONResponse:
    content = {
        "type": f"/problems/{slug}",
        "title": title,
        "status": int(status),
        "detail": detail,
        "instance": request.url.path,
        "trace_id": current_trace_id(),
        **{name: str(value) if name.endswith("_id") else value for name, value in (extensions or {}).items()},
    }
    return JSONResponse(content, status_code=status, headers=headers, media_type=MEDIA_TYPE)
