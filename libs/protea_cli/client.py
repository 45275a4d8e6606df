"""The HTTP API as the command line uses it; every failure comes out as an error with words for a person."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from protea_cli.errors import ApiError, CommandError, ServerUnreachableError
from protea_cli.problems import describe_problem, read_problem
from protea_cli.states import AnnotationState, JobState

__all__ = ["ProteaClient"]

TIMEOUT: Final = httpx.Timeout(60.0, connect=5.0)
"""Longer than a live stream's keep-alive and the first byte of a large download; past this the connection is dead."""

UPLOAD_CHUNK_BYTES: Final = 256 * 1024
"""Bytes read at a time: a progress bar moves by such steps, and the file never lies in memory."""


class ProteaClient:
    """One connection to one PROTEA.

    Parameters
    ----------
    url
        Where it answers, for example ``http://127.0.0.1:8000``.
    api_key
        Sent with each request if given.
    transport
        How requests travel; over the network unless given.
    """

    def __init__(
        self, url: str, *, api_key: str | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.url = url.rstrip("/")
        try:
            parsed = httpx.URL(self.url)
        except httpx.InvalidURL as exc:
            raise CommandError(f"{url!r} is no address of a server: {exc}") from exc
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise CommandError(f"{url!r} is no address of a server; give one like http://127.0.0.1:8000")
        self._http = httpx.AsyncClient(
            base_url=self.url,
            headers={} if api_key is None else {"X-Api-Key": api_key},
            timeout=TIMEOUT,
            transport=transport,
            # A proxy of the environment cannot reach this machine's own loopback.
            trust_env=not _is_loopback(parsed.host),
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, traceback)

    async def get(self, path: str, **parameters: str) -> Any:
        """Ask for JSON.

        Raises
        ------
        ServerUnreachableError
            If nobody answers.
        ApiError
            If the answer is no success.
        """
        return (await self._send("GET", path, params=parameters)).json()

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send JSON, and give the JSON that is answered; failures as with `get`."""
        return (await self._send("POST", path, json=dict(body))).json()

    async def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send changes as JSON, and give the JSON that is answered; failures as with `get`."""
        return (await self._send("PATCH", path, json=dict(body))).json()

    async def keep_query_set(self, fasta: bytes, *, name: str) -> str:
        """Keep proteins as a query set; give its id, that of an earlier one with the same text if there is any."""
        digest = hashlib.sha256(fasta).hexdigest()
        same = await self.get("/v1/query-sets", content_sha256=digest)
        if same:
            # The oldest: a race that wrote two must not make two answers.
            return str(same[-1]["id"])
        files = {"file": ("queries.fasta", fasta, "text/plain")}
        return str((await self._send("POST", "/v1/query-sets", data={"name": name}, files=files)).json()["id"])

    async def upload(self, file: Path, *, show: Callable[[int, int], None]) -> str:
        """Send a file to the artifact store; give its name for the payload of a load.

        Parameters
        ----------
        show
            Called with the bytes sent so far and in all.

        Raises
        ------
        CommandError
            If the file cannot be read.
        """
        body = _read_counted(file, show=show)
        answer = await self._send("POST", "/v1/uploads", params={"filename": file.name}, content=body)
        return str(answer.json()["source_uri"])

    async def submit(self, operation: str, payload: Mapping[str, Any]) -> str:
        """Ask for a job; give its id, or that of the active one that does the same already."""
        return await self._start("/v1/jobs", answer_key="id", json={"operation": operation, "payload": dict(payload)})

    async def job(self, job_id: str) -> JobState:
        """Ask where a job stands."""
        return JobState.read(await self.get(f"/v1/jobs/{job_id}"))

    async def annotate(self, fasta: bytes, *, filename: str, fields: Mapping[str, str]) -> str:
        """Ask for the GO terms of the proteins of a FASTA file; give the id of the run, or of the same active one.

        Parameters
        ----------
        fields
            ``name``, and what else of the request is not to be the default.
        """
        files = {"file": (filename, fasta, "text/plain")}
        return await self._start("/v1/annotate", answer_key="job_id", data=dict(fields), files=files)

    async def annotation(self, job_id: str) -> AnnotationState:
        """Ask where a run of the main job stands."""
        return AnnotationState.read(await self.get(f"/v1/annotate/{job_id}"))

    async def stream_lines(self, path: str, *, last_event_id: str) -> AsyncIterator[str]:
        """Read the lines of an event stream from behind an event until it breaks off.

        Raises
        ------
        ServerUnreachableError
            If it breaks off by a failure.
        ApiError
            If the server refuses it.
        """
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_event_id} if last_event_id else {})
        async with self._streamed(path, headers=headers) as answer:
            async for line in answer.aiter_lines():
                yield line

    async def download(self, path: str) -> AsyncIterator[bytes]:
        """Read a file of the server piece by piece; a connection that ends early is an error, not a short file.

        Raises
        ------
        ServerUnreachableError
            If it breaks off.
        ApiError
            If the server refuses it.
        """
        async with self._streamed(path, headers={}) as answer:
            async for piece in answer.aiter_bytes():
                yield piece

    async def _start(self, path: str, *, answer_key: str, **request: Any) -> str:
        try:
            return str((await self._send("POST", path, **request)).json()[answer_key])
        except ApiError as exc:
            if exc.answer_status != HTTPStatus.CONFLICT or "existing_job_id" not in exc.problem:
                raise
            return str(exc.problem["existing_job_id"])

    async def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        with self._told():
            answer = await self._http.request(method, path, **request)
        _refuse_failure(answer)
        return answer

    @asynccontextmanager
    async def _streamed(self, path: str, *, headers: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        with self._told():
            async with self._http.stream("GET", path, headers=dict(headers)) as answer:
                if not answer.is_success:
                    await answer.aread()
                _refuse_failure(answer)
                yield answer

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Put a failed transport into words."""
        try:
            yield
        except httpx.ConnectError as exc:
            raise ServerUnreachableError(
                f"no PROTEA answers at {self.url}: start it with `protea up`, or say where it runs with --url"
            ) from exc
        except httpx.TimeoutException as exc:
            raise ServerUnreachableError(f"PROTEA at {self.url} took too long to answer; try again") from exc
        except httpx.TransportError as exc:
            raise ServerUnreachableError(f"the connection to PROTEA at {self.url} broke: {exc}") from exc


async def _read_counted(file: Path, *, show: Callable[[int, int], None]) -> AsyncIterator[bytes]:
    # Read on the loop: the disk is faster than the connection that takes the pieces.
    sent = 0
    for piece, total in _pieces(file):
        yield piece
        sent += len(piece)
        show(sent, total)


def _pieces(file: Path) -> Iterator[tuple[bytes, int]]:
    """Read a file piece by piece, each with the size of the whole."""
    try:
        total = file.stat().st_size
        with file.open("rb") as content:
            while piece := content.read(UPLOAD_CHUNK_BYTES):
                yield piece, total
    except OSError as exc:
        raise CommandError(f"{file} cannot be read: {exc.strerror}") from exc


def _refuse_failure(answer: httpx.Response) -> None:
    if not answer.is_success:
        raise ApiError(
            describe_problem(answer.status_code, answer.content),
            answer_status=answer.status_code,
            problem=read_problem(answer.content),
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
