from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from protea_common.domain.text_stream import TooLargeError
from protea_common.storage import InvalidArtifactKeyError, LocalFsArtifactStore
from protea_ingest.adapters.sources import SourceFiles, SourceNotAllowedError, SourceNotFoundError

TEXT = "first line\nsecond line\n" * 1_000
DIGEST = hashlib.sha256(TEXT.encode()).hexdigest()


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    folder = tmp_path / "allowed"
    folder.mkdir()
    return folder


@pytest.fixture
def store(tmp_path: Path) -> LocalFsArtifactStore:
    return LocalFsArtifactStore(tmp_path / "store")


@pytest.fixture
def sources(allowed: Path, store: LocalFsArtifactStore) -> Iterator[SourceFiles]:
    with ThreadPoolExecutor(1) as executor:
        yield SourceFiles(artifacts=store, allowed_dirs=(allowed,), max_decompressed_bytes=len(TEXT), executor=executor)


async def read(sources: SourceFiles, source_uri: str) -> list[str]:
    async with sources.open(source_uri) as source:
        return list(source.lines())


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
async def test_an_upload_is_read_counted_and_hashed(
    sources: SourceFiles, store: LocalFsArtifactStore, *, compressed: bool
) -> None:
    data = gzip.compress(TEXT.encode()) if compressed else TEXT.encode()
    await store.put("uploads/1", data)

    async with sources.open("artifact:uploads/1") as source:
        assert (source.size_bytes, source.bytes_read) == (len(data), 0)
        lines = list(source.lines())

    assert lines == TEXT.splitlines()
    assert source.bytes_read == len(data)
    assert source.content_sha256 == DIGEST


async def test_a_file_of_an_allowed_folder_is_read(sources: SourceFiles, allowed: Path) -> None:
    file = allowed / "sub folder" / "fly#1.fasta"
    file.parent.mkdir()
    file.write_text("a line")

    assert await read(sources, file.as_uri()) == ["a line"]


async def test_a_file_outside_is_refused_by_the_name_of_the_setting(sources: SourceFiles, tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.write_text("secret")

    with pytest.raises(SourceNotAllowedError, match="PROTEA_ALLOWED_SOURCE_DIRS"):
        await read(sources, outside.as_uri())


async def test_a_file_outside_is_refused_whether_or_not_it_exists(sources: SourceFiles, tmp_path: Path) -> None:
    with pytest.raises(SourceNotAllowedError):
        await read(sources, (tmp_path / "missing").as_uri())


async def test_a_way_out_through_dots_is_refused(sources: SourceFiles, allowed: Path) -> None:
    (allowed.parent / "secret").write_text("secret")

    with pytest.raises(SourceNotAllowedError):
        await read(sources, f"{allowed.as_uri()}/../secret")
    with pytest.raises(SourceNotAllowedError):
        await read(sources, f"{allowed.as_uri()}/%2e%2e/secret")


async def test_a_way_out_through_a_link_is_refused(sources: SourceFiles, allowed: Path) -> None:
    (allowed.parent / "secret").write_text("secret")
    (allowed / "innocent").symlink_to(allowed.parent / "secret")

    with pytest.raises(SourceNotAllowedError):
        await read(sources, (allowed / "innocent").as_uri())


async def test_a_link_that_stays_inside_is_followed(sources: SourceFiles, allowed: Path) -> None:
    (allowed / "2024.obo").write_text("a line")
    (allowed / "current.obo").symlink_to(allowed / "2024.obo")

    assert await read(sources, (allowed / "current.obo").as_uri()) == ["a line"]


async def test_an_allowed_folder_may_itself_be_a_link(
    store: LocalFsArtifactStore, allowed: Path, tmp_path: Path
) -> None:
    (allowed / "go.obo").write_text("a line")
    (tmp_path / "link").symlink_to(allowed)
    with ThreadPoolExecutor(1) as executor:
        linked = SourceFiles(
            artifacts=store, allowed_dirs=(tmp_path / "link",), max_decompressed_bytes=100, executor=executor
        )

        assert await read(linked, (tmp_path / "link" / "go.obo").as_uri()) == ["a line"]


async def test_a_neighbour_whose_name_begins_alike_is_not_inside(sources: SourceFiles, allowed: Path) -> None:
    neighbour = allowed.with_name("allowed-not")
    neighbour.mkdir()
    (neighbour / "file").write_text("secret")

    with pytest.raises(SourceNotAllowedError):
        await read(sources, (neighbour / "file").as_uri())


async def test_without_allowed_folders_no_file_is(store: LocalFsArtifactStore, allowed: Path) -> None:
    (allowed / "file").write_text("a line")
    with ThreadPoolExecutor(1) as executor:
        none = SourceFiles(artifacts=store, allowed_dirs=(), max_decompressed_bytes=100, executor=executor)

        with pytest.raises(SourceNotAllowedError):
            await read(none, (allowed / "file").as_uri())


@pytest.mark.parametrize("source_uri", ["/etc/passwd", "file://host/etc/passwd", "https://example.org/go.obo", ""])
async def test_other_addresses_are_refused(sources: SourceFiles, source_uri: str) -> None:
    with pytest.raises(SourceNotAllowedError):
        await read(sources, source_uri)


async def test_what_is_missing_is_said_so(sources: SourceFiles, allowed: Path) -> None:
    with pytest.raises(SourceNotFoundError, match="upload the file again"):
        await read(sources, "artifact:uploads/gone")
    with pytest.raises(SourceNotFoundError, match="correct the path"):
        await read(sources, (allowed / "gone").as_uri())


async def test_what_is_no_regular_file_is_not_opened(sources: SourceFiles, allowed: Path) -> None:
    os.mkfifo(allowed / "pipe")

    for name in ("", "pipe"):
        with pytest.raises(SourceNotFoundError):
            await read(sources, f"{allowed.as_uri()}/{name}")


async def test_a_path_that_cannot_be_is_not_found(sources: SourceFiles, allowed: Path) -> None:
    (allowed / "circle").symlink_to(allowed / "circle")

    for name in ("a%00b", "circle"):
        with pytest.raises(SourceNotFoundError):
            await read(sources, f"{allowed.as_uri()}/{name}")


async def test_a_key_that_leaves_the_store_is_refused(sources: SourceFiles) -> None:
    with pytest.raises(InvalidArtifactKeyError):
        await read(sources, "artifact:../secret")


async def test_a_small_file_that_unpacks_to_too_much_is_refused(sources: SourceFiles, allowed: Path) -> None:
    (allowed / "bomb.gz").write_bytes(gzip.compress(TEXT.encode() + b"x"))

    with pytest.raises(TooLargeError):
        await read(sources, (allowed / "bomb.gz").as_uri())


async def test_the_file_is_closed_after_what_the_thread_still_reads(sources: SourceFiles, allowed: Path) -> None:
    (allowed / "file").write_text(TEXT)

    async with sources.open((allowed / "file").as_uri()) as source:
        lines = source.lines()
        next(lines)

    with pytest.raises(ValueError, match="closed file"):
        list(source.lines())
