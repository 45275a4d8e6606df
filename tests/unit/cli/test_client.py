"""Speaking to a server, through a transport that answers from a script."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from protea_cli.client import ProteaClient
from protea_cli.errors import ApiError, CommandError, ServerUnreachableError

Answer = Callable[[httpx.Request], httpx.Response]


def client_of(answer: Answer, *, api_key: str | None = None) -> ProteaClient:
    return ProteaClient("http://127.0.0.1:8000/", api_key=api_key, transport=httpx.MockTransport(answer))


async def test_nobody_at_the_address_is_told_with_what_to_type() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async with client_of(refuse) as client:
        with pytest.raises(ServerUnreachableError, match=r"no PROTEA answers at http://127\.0\.0\.1:8000: .*protea up"):
            await client.job("1")


async def test_a_server_that_is_too_slow_is_told_as_such() -> None:
    def time_out(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late", request=request)

    async with client_of(time_out) as client:
        with pytest.raises(ServerUnreachableError, match="too long"):
            await client.get("/v1/annotations/sets")


async def test_a_refusal_is_told_in_the_server_s_words() -> None:
    problem = {"title": "Not found", "status": 404, "detail": "There is no job 1."}

    async with client_of(lambda _: httpx.Response(404, json=problem)) as client:
        with pytest.raises(ApiError, match=r"^There is no job 1\.$") as raised:
            await client.job("1")

    assert raised.value.answer_status == 404


async def test_a_job_that_runs_already_is_joined() -> None:
    problem = {"title": "Duplicate", "status": 409, "existing_job_id": "77"}

    async with client_of(lambda _: httpx.Response(409, json=problem)) as client:
        assert await client.submit("load_proteins", {"source_uri": "artifact:x"}) == "77"
        assert await client.annotate(b">a\nMK\n", filename="a.fasta", fields={"name": "a"}) == "77"


async def test_another_conflict_is_an_error() -> None:
    problem = {"title": "Reference data missing", "detail": "First: load an ontology"}

    async with client_of(lambda _: httpx.Response(409, json=problem)) as client:
        with pytest.raises(ApiError, match="First: load an ontology"):
            await client.annotate(b">a\nMK\n", filename="a.fasta", fields={"name": "a"})


async def test_a_job_is_asked_for_by_name_and_payload() -> None:
    bodies: list[object] = []

    def accept(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return httpx.Response(201, json={"id": "5", "status": "QUEUED"})

    async with client_of(accept) as client:
        assert await client.submit("fit_kmer_encoder", {}) == "5"

    assert bodies == [{"operation": "fit_kmer_encoder", "payload": {}}]


@pytest.mark.parametrize(("given", "sent"), [("secret", "secret"), (None, None)])
async def test_a_key_goes_with_each_request(given: str | None, sent: str | None) -> None:
    keys: list[str | None] = []

    def look(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers.get("x-api-key"))
        return httpx.Response(200, json=[])

    async with client_of(look, api_key=given) as client:
        await client.get("/v1/annotations/sets")

    assert keys == [sent]


async def test_an_upload_is_sent_in_pieces_with_its_progress(tmp_path: Path) -> None:
    file = tmp_path / "go.obo.gz"
    file.write_bytes(b"x" * 600_000)
    received: list[httpx.Request] = []
    told: list[tuple[int, int]] = []

    def keep(request: httpx.Request) -> httpx.Response:
        received.append(request)
        return httpx.Response(201, json={"source_uri": "artifact:u", "sha256": "0", "bytes": 600_000})

    async with client_of(keep) as client:
        source = await client.upload(file, show=lambda sent, total: told.append((sent, total)))

    assert source == "artifact:u"
    assert len(received[0].content) == 600_000
    assert received[0].url.params["filename"] == "go.obo.gz"
    assert told == [(262_144, 600_000), (524_288, 600_000), (600_000, 600_000)]


async def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    async with client_of(lambda _: httpx.Response(201)) as client:
        with pytest.raises(CommandError, match=r"absent\.fasta cannot be read: No such file"):
            await client.upload(tmp_path / "absent.fasta", show=lambda _sent, _total: None)


async def test_a_download_that_breaks_off_is_an_error() -> None:
    class Breaking(httpx.AsyncByteStream):
        async def __aiter__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204 - an asynchronous generator
            yield b"protein_accession\n"
            raise httpx.RemoteProtocolError("peer closed connection")

    async with client_of(lambda _: httpx.Response(200, stream=Breaking())) as client:
        with pytest.raises(ServerUnreachableError, match="broke"):
            _ = [piece async for piece in client.download("/v1/x.tsv")]


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://127.0.0.1", "http://", ""])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(CommandError, match="no address"):
        ProteaClient(url)
