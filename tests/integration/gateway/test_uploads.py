"""Files for later loads."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from support.gateway import GatewayBench, open_gateway

CONTENT = b"some bytes \x00\xff" * 100_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


async def in_pieces() -> AsyncIterator[bytes]:
    for start in range(0, len(CONTENT), 50_000):
        yield CONTENT[start : start + 50_000]


async def test_a_plain_body_is_kept_under_its_content(gateway: GatewayBench) -> None:
    answer = await gateway.client.post("/v1/uploads?filename=go.obo.gz", content=in_pieces())

    assert answer.status_code == 201
    uri = f"artifact:uploads/{SHA256}/go.obo.gz"
    assert answer.json() == {"source_uri": uri, "sha256": SHA256, "bytes": len(CONTENT)}
    assert await gateway.platform.artifacts.get(uri.removeprefix("artifact:")) == CONTENT


async def test_a_form_and_a_repeat_are_the_same_artifact(client: httpx.AsyncClient) -> None:
    form = await client.post("/v1/uploads", files={"file": ("go.obo.gz", CONTENT)})
    body = await client.post("/v1/uploads?filename=go.obo.gz", content=CONTENT)

    assert form.status_code == body.status_code == 201
    assert form.json() == body.json()


async def test_a_name_cannot_lead_out_of_the_store(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/uploads", files={"file": ("../../../etc/passwd", CONTENT)})

    assert answer.json()["source_uri"] == f"artifact:uploads/{SHA256}/passwd"


async def test_an_upload_can_be_loaded(client: httpx.AsyncClient) -> None:
    uri = (await client.post("/v1/uploads?filename=p.fasta", content=b">A\nMKV\n")).json()["source_uri"]

    answer = await client.post("/v1/proteins/load", json={"source_uri": uri})

    assert answer.status_code == 202
    job = (await client.get(answer.headers["location"])).json()
    assert (job["operation"], job["payload"]) == ("load_proteins", {"source_uri": uri})


@pytest.mark.parametrize(
    "request_parts",
    [{"content": b""}, {"files": {"file": ("x", b"")}}, {"files": {"other": ("x", b"1")}}, {"data": {"file": "text"}}],
    ids=["empty body", "empty file", "other field", "text"],
)
async def test_nothing_is_no_upload(client: httpx.AsyncClient, request_parts: dict[str, object]) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"} if "data" in request_parts else {}
    if "data" in request_parts:
        request_parts = {"content": b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--x--\r\n'}

    answer = await client.post("/v1/uploads", headers=headers, **request_parts)  # type: ignore[arg-type]  # parametrised

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/empty-input")


@pytest.mark.parametrize("announced", [True, False])
async def test_an_upload_over_the_limit_is_too_large_and_leaves_nothing(
    migrated_database_url: str, tmp_path: Path, *, announced: bool
) -> None:
    async with open_gateway(migrated_database_url, tmp_path, api={"max_upload_bytes": 1_000}) as gateway:
        answer = await gateway.client.post("/v1/uploads", content=CONTENT if announced else in_pieces())

    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
    assert list(tmp_path.rglob("*.*")) == []
