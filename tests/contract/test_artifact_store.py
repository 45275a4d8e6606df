"""What every artifact store promises; each backend runs the whole suite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from protea_common.errors import PermanentError
from protea_common.storage import (
    ArtifactNotFoundError,
    ArtifactStore,
    InvalidArtifactKeyError,
    ListableStore,
    LocalFsArtifactStore,
    artifact_base,
)
from protea_common.storage.s3 import S3ArtifactStore, S3Bucket

KEY = "datasets/2019-01/train set é+%.npy"


@pytest.fixture
def local_store(tmp_path: Path) -> ArtifactStore:
    return LocalFsArtifactStore(tmp_path / "store")


@pytest.fixture
async def s3_store(s3_bucket: S3Bucket) -> AsyncIterator[ArtifactStore]:
    async with aclosing(S3ArtifactStore(s3_bucket)) as store:
        yield store


@pytest.fixture(params=["local_store", "s3_store"])
def store(request: pytest.FixtureRequest) -> ArtifactStore:
    chosen: ArtifactStore = request.getfixturevalue(request.param)
    return chosen


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def broken_chunks() -> AsyncIterator[bytes]:
    yield b"half of "
    raise ConnectionResetError


async def test_a_store_that_works_passes_its_check_and_can_be_closed_twice(store: ArtifactStore) -> None:
    await store.check()
    await store.aclose()
    await store.aclose()


async def test_bytes_come_back_as_they_were_put(store: ArtifactStore) -> None:
    await store.put(KEY, bytes(range(256)))
    assert await store.get(KEY) == bytes(range(256))


async def test_a_file_is_copied_and_stays_where_it_was(store: ArtifactStore, tmp_path: Path) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(b"residues")
    await store.put(KEY, source)
    assert await store.get(KEY) == b"residues"
    assert source.read_bytes() == b"residues"


async def test_chunks_are_joined_in_order(store: ArtifactStore) -> None:
    await store.put(KEY, chunks(b"MKT", b"", b"AYI"))
    assert await store.get(KEY) == b"MKTAYI"


async def test_an_empty_artifact_is_an_artifact(store: ArtifactStore) -> None:
    await store.put("bytes", b"")
    await store.put("chunks", chunks())
    assert [await store.get("bytes"), await store.get("chunks")] == [b"", b""]


async def test_a_second_put_replaces_the_first(store: ArtifactStore) -> None:
    await store.put(KEY, b"a longer first version")
    await store.put(KEY, b"second")
    assert await store.get(KEY) == b"second"


async def test_a_source_that_breaks_off_leaves_what_was_there(store: ArtifactStore) -> None:
    await store.put(KEY, b"whole")
    with pytest.raises(ConnectionResetError):
        await store.put(KEY, broken_chunks())
    with pytest.raises(ConnectionResetError):
        await store.put("new", broken_chunks())
    assert await store.get(KEY) == b"whole"
    assert not await store.exists("new")


async def test_a_source_file_that_is_missing_is_the_caller_s_error(store: ArtifactStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await store.put(KEY, tmp_path / "absent")
    assert not await store.exists(KEY)


async def test_of_writers_at_once_one_wins_whole(store: ArtifactStore) -> None:
    contents = [bytes([number]) * 300_000 for number in range(8)]
    await asyncio.gather(*(store.put(KEY, content) for content in contents))
    assert await store.get(KEY) in contents


async def test_put_returns_the_uri_that_leads_back_to_the_key(store: ArtifactStore) -> None:
    uri = await store.put(KEY, b"x")
    assert uri == store.url(KEY)
    assert store.key_from_uri(uri) == KEY


async def test_a_uri_of_another_place_is_refused(store: ArtifactStore) -> None:
    for uri in ("file:///etc/passwd", "s3://elsewhere/key", f"{store.url('a')}/../../../outside", "datasets/a"):
        with pytest.raises(InvalidArtifactKeyError):
            store.key_from_uri(uri)


async def test_a_local_path_can_be_memory_mapped_and_outlives_the_block(store: ArtifactStore, tmp_path: Path) -> None:
    vectors = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.save(tmp_path / "vectors.npy", vectors, allow_pickle=False)
    await store.put(KEY, tmp_path / "vectors.npy")
    async with store.local_path(KEY) as path:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    np.testing.assert_array_equal(mapped, vectors)


async def test_what_is_not_there_is_not_found(store: ArtifactStore) -> None:
    await store.put("datasets/a", b"x")
    assert not await store.exists("datasets/b")
    assert not await store.exists("datasets")
    for key in ("datasets/b", "datasets", "datasets/a/b"):
        with pytest.raises(ArtifactNotFoundError, match=key):
            await store.get(key)
    with pytest.raises(ArtifactNotFoundError, match="datasets/b"):
        async with store.local_path("datasets/b"):
            pass


def test_not_found_is_a_404_that_no_retry_mends() -> None:
    assert issubclass(ArtifactNotFoundError, PermanentError)
    assert ArtifactNotFoundError.status == 404


async def test_deleting_says_whether_something_was_there(store: ArtifactStore) -> None:
    await store.put(KEY, b"x")
    assert [await store.delete(KEY), await store.delete(KEY), await store.delete("never/was")] == [True, False, False]
    assert not await store.exists(KEY)


@pytest.mark.parametrize(
    "key",
    [
        *("", "/etc/passwd", "a//b", "a/", "../a", "a/../b", "a/./b", "a\\b", "a\nb", "a\x00b", ".tmp-1"),
        "x" * 201,
        "/".join(["x" * 100] * 11),
    ],
)
async def test_a_key_that_could_lead_elsewhere_is_refused_everywhere(store: ArtifactStore, key: str) -> None:
    for refused in (store.put(key, b"x"), store.get(key), store.exists(key), store.delete(key)):
        with pytest.raises(InvalidArtifactKeyError):
            await refused
    with pytest.raises(InvalidArtifactKeyError):
        store.url(key)
    with pytest.raises(InvalidArtifactKeyError):
        async with store.local_path(key):
            pass


async def test_a_store_lists_what_it_holds_and_nothing_that_is_half_written(store: ArtifactStore) -> None:
    listed = cast("ListableStore", store)
    assert [key async for key in listed.list_keys()] == []
    await store.put(KEY, b"1")
    await store.put("a/b/c.bin", b"2")
    await store.put("a/gone.bin", b"3")
    await store.delete("a/gone.bin")
    with pytest.raises(ConnectionResetError):
        await store.put("a/half.bin", broken_chunks())

    assert sorted([key async for key in listed.list_keys()]) == ["a/b/c.bin", KEY]
    assert store.url("a/b/c.bin") == f"{artifact_base(store)}a/b/c.bin"
