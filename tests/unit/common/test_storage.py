"""The local artifact store's own promises, and the choice of a store."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protea_common.errors import PermanentError, TransientError
from protea_common.settings import MissingSettingError, Settings, StorageBackend
from protea_common.storage import (
    ArtifactStoreUnavailable,
    InvalidArtifactKeyError,
    LocalFsArtifactStore,
    get_artifact_store,
)
from protea_common.storage.s3 import S3ArtifactStore

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

NO_LIBRARY_PROGRAM = """
import sys
from protea_common.settings import Settings
from protea_common.storage import StorageBackendUnsupportedError, get_artifact_store

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"aioboto3", "aiobotocore", "aiohttp", "botocore"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
addresses = {"db_url": "postgresql://db/protea", "amqp_url": "amqp://broker/"}
s3 = {"storage_backend": "s3", "s3_endpoint": "s3:9000", "s3_access_key": "ak", "s3_secret_key": "sk"}
print(type(get_artifact_store(Settings(**addresses))).__name__)
try:
    get_artifact_store(Settings(**addresses, **s3))
except StorageBackendUnsupportedError as error:
    print(error)
"""

S3 = {
    "storage_backend": StorageBackend.S3,
    "s3_endpoint": "s3:9000",
    "s3_bucket": "blobs",
    "s3_access_key": "ak",
    "s3_secret_key": "sk",
}


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


@pytest.mark.parametrize("endpoint", ["s3:9000", "http://s3:9000/", "https://s3:9000"])
async def test_the_s3_store_lies_in_the_bucket_of_the_settings(tmp_path: Path, endpoint: str) -> None:
    store = get_artifact_store(settings(tmp_path, **{**S3, "s3_endpoint": endpoint}))
    assert isinstance(store, S3ArtifactStore)
    assert store.url("a b/é.txt") == "s3://blobs/a b/é.txt"


def test_s3_without_address_or_credentials_is_refused_rather_than_replaced_by_a_local_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingSettingError) as raised:
        get_artifact_store(settings(tmp_path, storage_backend=StorageBackend.S3, s3_access_key="ak"))
    assert isinstance(raised.value, PermanentError)
    for name in ("PROTEA_S3_ENDPOINT", "storage.s3.endpoint", "PROTEA_S3_SECRET_KEY", "storage.s3.secret_key"):
        assert name in str(raised.value)
    assert "PROTEA_S3_ACCESS_KEY" not in str(raised.value)


def test_s3_without_its_library_says_what_to_install_and_a_local_store_needs_none() -> None:
    done = subprocess.run([sys.executable, "-c", NO_LIBRARY_PROGRAM], capture_output=True, text=True, check=True)
    local, refused = done.stdout.splitlines()
    assert local == "LocalFsArtifactStore"
    assert "the package aioboto3: pip install 'protea[s3]'" in refused
