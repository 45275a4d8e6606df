"""The S3 store's own promises: how uploads end, how much memory they need, and what is said when S3 fails."""

from __future__ import annotations

import asyncio
import socket
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from protea_common.errors import TransientError
from protea_common.messaging.memory import MemoryBus
from protea_common.runtime import open_platform
from protea_common.settings import Settings
from protea_common.storage import (
    ArtifactSource,
    ArtifactStoreUnavailable,
    InvalidArtifactKeyError,
    wait_for_artifacts,
)
from protea_common.storage.s3 import PART_BYTES, S3ArtifactStore, S3Bucket, S3Patience
from support.s3 import s3_client, unfinished_uploads

MIB = 1024**2
IMPATIENT = S3Patience(
    connect=timedelta(seconds=0.5), read=timedelta(seconds=0.5), attempts=1, request=timedelta(seconds=2)
)


@pytest.fixture
async def store(s3_bucket: S3Bucket) -> AsyncIterator[S3ArtifactStore]:
    async with aclosing(S3ArtifactStore(s3_bucket)) as store:
        yield store


@pytest.fixture
async def mute_endpoint() -> AsyncIterator[str]:
    """Address of a server that takes connections and never answers."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
async def breaking_endpoint() -> AsyncIterator[str]:
    """Address of a server that says a length and hangs up halfway."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf of")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
async def full_endpoint() -> AsyncIterator[str]:
    """Address of a server that takes connections and no more bytes than the system keeps for it."""
    listener = socket.create_server(("127.0.0.1", 0))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


@pytest.fixture
def traced_memory() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def bucket_at(endpoint: str) -> S3Bucket:
    return S3Bucket(endpoint=endpoint, name="protea", access_key="ak", secret_key="sk")


async def stream(*, mebibytes: int, broken: bool = False) -> AsyncIterator[bytes]:
    for number in range(mebibytes):
        yield bytes([number % 251]) * MIB
    if broken:
        raise ConnectionResetError


async def never_ending() -> AsyncIterator[bytes]:
    yield b"x" * (PART_BYTES + 1)
    await asyncio.Event().wait()


@pytest.mark.parametrize("size", [PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES])
async def test_sizes_around_a_part_come_back_whole(store: S3ArtifactStore, tmp_path: Path, size: int) -> None:
    content = (bytes(range(251)) * (size // 251 + 1))[:size]
    (tmp_path / "source").write_bytes(content)
    sources: list[ArtifactSource] = [content, tmp_path / "source"]
    for source in sources:
        await store.put("a/b", source)
        assert await store.get("a/b") == content


@pytest.mark.usefixtures("traced_memory")
async def test_memory_does_not_grow_with_the_stream_that_goes_up_or_down(store: S3ArtifactStore) -> None:
    size = 100 * MIB
    await store.put("warm-up", b"x")
    tracemalloc.reset_peak()
    await store.put("big", stream(mebibytes=100))
    _, peak_up = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    async with store.local_path("big") as path:
        _, peak_down = tracemalloc.get_traced_memory()
        assert path.stat().st_size == size
        with path.open("rb") as file:
            assert all(file.read(MIB) == bytes([number]) * MIB for number in range(100))
    assert peak_up < 8 * PART_BYTES
    assert peak_down < 4 * PART_BYTES


async def test_an_upload_that_breaks_off_in_its_second_part_leaves_no_object_and_no_parts(
    store: S3ArtifactStore, s3_bucket: S3Bucket
) -> None:
    with pytest.raises(ConnectionResetError):
        await store.put("a/b", stream(mebibytes=20, broken=True))
    assert not await store.exists("a/b")
    assert await unfinished_uploads(s3_bucket) == []


async def test_a_cancelled_upload_leaves_no_object_and_no_parts(store: S3ArtifactStore, s3_bucket: S3Bucket) -> None:
    upload = asyncio.create_task(store.put("a/b", never_ending()))
    while await unfinished_uploads(s3_bucket) == []:
        assert not upload.done()
        await asyncio.sleep(0.05)
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert not await store.exists("a/b")
    assert await unfinished_uploads(s3_bucket) == []


async def test_a_uri_is_read_by_any_other_client(store: S3ArtifactStore, s3_bucket: S3Bucket) -> None:
    uri = await store.put("datasets/é +%/a.npy", b"residues")
    assert uri == f"s3://{s3_bucket.name}/datasets/é +%/a.npy"
    async with s3_client(s3_bucket) as client:
        answer = await client.get_object(Bucket=s3_bucket.name, Key="datasets/é +%/a.npy")
        assert await answer["Body"].read() == b"residues"


@pytest.mark.parametrize("key", ["蛋白质/ünï.npy", "emoji-🧬", "a+b c%20d&e=f?g#h", "~dots..dots/.hidden"])
async def test_keys_of_any_script_and_sign_are_one_object_each(store: S3ArtifactStore, key: str) -> None:
    await store.put(key, b"x")
    assert await store.exists(key)
    async with store.local_path(key) as path:
        assert path.name == key.rpartition("/")[2]
    assert await store.delete(key)
    assert not await store.exists(key)


@pytest.mark.parametrize("key", ["蛋" * 67, "a/\u0007", "é/../é"])
async def test_unicode_keys_that_are_too_long_or_lead_elsewhere_are_refused(store: S3ArtifactStore, key: str) -> None:
    with pytest.raises(InvalidArtifactKeyError):
        await store.put(key, b"x")


async def test_a_lent_copy_is_gone_after_the_block(store: S3ArtifactStore) -> None:
    await store.put("a/b.npy", b"x")
    async with store.local_path("a/b.npy") as path:
        assert path.read_bytes() == b"x"
    assert not path.parent.exists()


async def test_wrong_credentials_are_refused_with_what_to_check_and_without_the_secret(s3_bucket: S3Bucket) -> None:
    for changed in ({"secret_key": "topsecret"}, {"access_key": "somebody", "secret_key": "topsecret"}):
        async with aclosing(S3ArtifactStore(replace(s3_bucket, **changed))) as store:
            for refused in (store.check(), store.put("a", b"x"), store.get("a"), store.exists("a"), store.delete("a")):
                with pytest.raises(ArtifactStoreUnavailable, match="PROTEA_S3_SECRET_KEY") as raised:
                    await refused
                assert "topsecret" not in str(raised.value)
    assert issubclass(ArtifactStoreUnavailable, TransientError)


async def test_a_bucket_that_is_missing_is_never_taken_for_an_empty_one(s3_bucket: S3Bucket) -> None:
    async with aclosing(S3ArtifactStore(replace(s3_bucket, name="not-made"))) as store:
        for refused in (store.check(), store.get("a"), store.exists("a"), store.delete("a")):
            with pytest.raises(ArtifactStoreUnavailable, match=r"no bucket 'not-made'.*PROTEA_S3_BUCKET"):
                await refused


async def test_a_server_that_is_away_or_mute_is_unavailable_within_the_time_limit(mute_endpoint: str) -> None:
    for endpoint in ("http://127.0.0.1:1", mute_endpoint):
        async with asyncio.timeout(10), aclosing(S3ArtifactStore(bucket_at(endpoint), patience=IMPATIENT)) as store:
            for refused in (store.check(), store.put("a", b"x"), store.get("a")):
                with pytest.raises(ArtifactStoreUnavailable, match="PROTEA_S3_ENDPOINT"):
                    await refused


async def test_a_server_that_stops_reading_is_unavailable_within_the_time_limit(full_endpoint: str) -> None:
    async with asyncio.timeout(10), aclosing(S3ArtifactStore(bucket_at(full_endpoint), patience=IMPATIENT)) as store:
        with pytest.raises(ArtifactStoreUnavailable):
            await store.put("a", b"x" * (PART_BYTES - 1))


async def test_a_download_that_breaks_off_is_unavailable_and_never_half_an_artifact(breaking_endpoint: str) -> None:
    async with aclosing(S3ArtifactStore(bucket_at(breaking_endpoint), patience=IMPATIENT)) as store:
        with pytest.raises(ArtifactStoreUnavailable):
            await store.get("a")
        with pytest.raises(ArtifactStoreUnavailable):
            async with store.local_path("a"):
                pytest.fail("lent half a file")


async def test_the_wait_for_the_store_has_a_limit() -> None:
    nowhere = bucket_at("http://127.0.0.1:1")
    async with asyncio.timeout(10), aclosing(S3ArtifactStore(nowhere, patience=IMPATIENT)) as store:
        with pytest.raises(ArtifactStoreUnavailable):
            await wait_for_artifacts(store, limit=timedelta(seconds=1))


def settings(database_url: str, bucket: S3Bucket) -> Settings:
    values = {
        "db_url": database_url,
        "amqp_url": "amqp://unused/",
        "storage_backend": "minio",
        "s3_endpoint": bucket.endpoint,
        "s3_bucket": bucket.name,
        "s3_access_key": bucket.access_key,
        "s3_secret_key": bucket.secret_key,
        "startup": {"dependency_wait": 0.1},
    }
    return Settings.model_validate(values)


async def test_a_platform_opens_on_s3_and_closes_its_client(migrated_database_url: str, s3_bucket: S3Bucket) -> None:
    async with open_platform(settings(migrated_database_url, s3_bucket), MemoryBus()) as platform:
        uri = await platform.artifacts.put("a", b"x")
    assert uri == f"s3://{s3_bucket.name}/a"


async def test_a_platform_does_not_open_without_its_bucket(migrated_database_url: str, s3_bucket: S3Bucket) -> None:
    with pytest.raises(ArtifactStoreUnavailable, match="not-made"):
        async with open_platform(settings(migrated_database_url, replace(s3_bucket, name="not-made")), MemoryBus()):
            pytest.fail("opened without a bucket")
