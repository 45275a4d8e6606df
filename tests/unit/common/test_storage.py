"""The local artifact store's own promises, and the choice of a store."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protea_common.errors import PermanentError, TransientError
from protea_common.settings import Settings, StorageBackend
from protea_common.storage import (
    ArtifactStoreUnavailable,
    InvalidArtifactKeyError,
    LocalFsArtifactStore,
    StorageBackendUnsupportedError,
    get_artifact_store,
)

# A limit on the size of files refuses bytes as a full disk does: by an error of write(2).
FULL_DISK_PROGRAM = """
import asyncio, resource, sys
from pathlib import Path
from protea_common.storage import ArtifactStoreUnavailable, LocalFsArtifactStore

async def chunks():
    yield b"x" * 4_000_000

async def main():
    store = LocalFsArtifactStore(Path(sys.argv[1]))
    await store.put("kept", b"old")
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    for source in (b"x" * 4_000_000, chunks(), Path(sys.argv[2])):
        try:
            await store.put("kept", source)
        except ArtifactStoreUnavailable as error:
            print(error)

asyncio.run(main())
"""


def settings(root: Path, **values: object) -> Settings:
    addresses = {"db_url": "postgresql://db/protea", "amqp_url": "amqp://broker/"}
    return Settings.model_validate({**addresses, "artifacts_dir": root / "artifacts", **values})


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


async def test_a_uri_is_the_file_itself(tmp_path: Path) -> None:
    uri = await LocalFsArtifactStore(tmp_path / "my store").put("a b/c.txt", b"x")
    assert uri == f"file://{tmp_path}/my%20store/a%20b/c.txt"
    assert (tmp_path / "my store" / "a b" / "c.txt").read_bytes() == b"x"


async def test_a_file_is_lent_without_a_copy(tmp_path: Path) -> None:
    store = LocalFsArtifactStore(tmp_path)
    await store.put("a/b", b"x")
    async with store.local_path("a/b") as path:
        assert path == tmp_path / "a" / "b"


async def test_readers_never_see_a_file_that_is_still_written(tmp_path: Path) -> None:
    store = LocalFsArtifactStore(tmp_path)
    seen: list[bool] = []

    async def chunks() -> AsyncIterator[bytes]:
        yield b"first"
        seen.append(await store.exists("a/b"))
        yield b"second"

    await store.put("a/b", chunks())
    assert seen == [False]
    assert names(tmp_path) == ["a/b"]


async def test_a_broken_source_leaves_no_draft_behind(tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"first"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await LocalFsArtifactStore(tmp_path).put("a/b", chunks())
    assert names(tmp_path) == []


def test_a_full_disk_is_told_as_transient_and_leaves_the_old_file_alone(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 4_000_000)
    command = [sys.executable, "-c", FULL_DISK_PROGRAM, str(tmp_path / "store"), str(tmp_path / "big")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.count("'kept' was not reached: File too large") == 3
    assert names(tmp_path / "store") == ["kept"]
    assert (tmp_path / "store" / "kept").read_bytes() == b"old"
    assert issubclass(ArtifactStoreUnavailable, TransientError)


async def test_a_key_inside_or_around_another_artifact_is_refused(tmp_path: Path) -> None:
    store = LocalFsArtifactStore(tmp_path)
    await store.put("a/b", b"x")
    for key in ("a", "a/b/c"):
        with pytest.raises(InvalidArtifactKeyError, match="choose another"):
            await store.put(key, b"y")
    assert names(tmp_path) == ["a/b"]


async def test_a_relative_root_gives_uris_that_other_processes_can_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = LocalFsArtifactStore(Path("store"))
    monkeypatch.chdir(os.sep)
    assert store.url("a") == f"file://{tmp_path}/store/a"


async def test_the_local_store_lies_in_the_storage_root_else_in_the_artifacts_folder(tmp_path: Path) -> None:
    in_root = get_artifact_store(settings(tmp_path, storage_root=tmp_path / "store"))
    in_artifacts = get_artifact_store(settings(tmp_path))
    assert in_root.url("a") == f"file://{tmp_path}/store/a"
    assert in_artifacts.url("a") == f"file://{tmp_path}/artifacts/a"


def test_s3_is_refused_rather_than_replaced_by_a_local_folder(tmp_path: Path) -> None:
    with pytest.raises(StorageBackendUnsupportedError, match="not in this version") as raised:
        get_artifact_store(settings(tmp_path, storage_backend=StorageBackend.S3))
    assert isinstance(raised.value, PermanentError)
