"""The artifact store on a local or mounted folder."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import unquote, urlsplit

from protea_common.storage.keys import InvalidArtifactKeyError, check_key
from protea_common.storage.store import ArtifactNotFoundError, ArtifactSource, ArtifactStoreUnavailable

__all__ = ["LocalFsArtifactStore"]


_DRAFT_PREFIX: Final = ".tmp-"
"""Begins the name of a file that is still being written."""


class LocalFsArtifactStore:
    """Keeps artifacts as regular files below ``root``, with ``file://`` URIs; see ``ArtifactStore``.

    A file is written under another name in its own folder, flushed to disk and renamed, so a crash or a full disk never
    leaves half of one under its key.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    async def check(self) -> None:
        """Do nothing: the folder is made with the first artifact, and a service that writes none needs none."""

    async def aclose(self) -> None:
        """Do nothing: files are closed after every use."""

    async def put(self, key: str, source: ArtifactSource) -> str:
        """Store ``source`` under ``key``; return its URI."""
        target = self._path(key)
        with _writing(key):
            draft = await asyncio.to_thread(_open_draft, target)
        try:
            await _fill(draft, source, key=key)
            with _writing(key):
                await asyncio.to_thread(_publish, draft, target)
        finally:
            await asyncio.to_thread(_discard, draft)
        return self.url(key)

    async def get(self, key: str) -> bytes:
        """Read the whole artifact into memory."""
        with _reading(key):
            return await asyncio.to_thread(self._path(key).read_bytes)

    @asynccontextmanager
    async def local_path(self, key: str) -> AsyncIterator[Path]:
        """Lend the stored file itself."""
        if not await self.exists(key):
            raise _not_found(key)
        yield self._path(key)

    async def exists(self, key: str) -> bool:
        """Whether there is an artifact under ``key``."""
        with _reading(key):
            return await asyncio.to_thread(self._path(key).is_file)

    async def delete(self, key: str) -> bool:
        """Remove the artifact; false if there was none."""
        path = self._path(key)
        try:
            with _reading(key):
                await asyncio.to_thread(path.unlink)
        except ArtifactNotFoundError:
            return False
        return True

    async def list_keys(self) -> AsyncIterator[str]:
        """Give the key of every file; drafts are none."""
        with _reading(""):
            paths = await asyncio.to_thread(lambda: sorted(self._root.rglob("*")))
        for path in paths:
            if path.is_file() and not path.name.startswith(_DRAFT_PREFIX):
                yield path.relative_to(self._root).as_posix()

    def url(self, key: str) -> str:
        """``file://`` URI of ``key``."""
        return self._path(key).as_uri()

    def key_from_uri(self, uri: str) -> str:
        """Key of a URI that this store gave out."""
        address = urlsplit(uri)
        prefix = f"{self._root.as_posix().rstrip('/')}/"
        path = unquote(address.path)
        if address.scheme != "file" or address.netloc or not path.startswith(prefix):
            raise InvalidArtifactKeyError(f"the artifact {uri!r} does not lie in the local store {self._root}")
        return check_key(path.removeprefix(prefix))

    def _path(self, key: str) -> Path:
        return self._root.joinpath(*check_key(key).split("/"))


def _open_draft(target: Path) -> BinaryIO:
    """Open a new file beside ``target``, on the same file system so that renaming it is atomic."""
    target.parent.mkdir(parents=True, exist_ok=True)
    return (target.parent / f"{_DRAFT_PREFIX}{secrets.token_hex(8)}").open("xb")


async def _fill(draft: BinaryIO, source: ArtifactSource, *, key: str) -> None:
    if isinstance(source, bytes):
        with _writing(key):
            await asyncio.to_thread(draft.write, source)
    elif isinstance(source, Path):
        # The caller's own file: what is wrong with it is not the store's trouble.
        with await asyncio.to_thread(source.open, "rb") as file, _writing(key):
            await asyncio.to_thread(shutil.copyfileobj, file, draft)
    else:
        async for chunk in source:
            with _writing(key):
                await asyncio.to_thread(draft.write, chunk)


def _publish(draft: BinaryIO, target: Path) -> None:
    """Flush the draft to disk, rename it, and flush the folder, without which the new name could be lost."""
    draft.flush()
    os.fsync(draft.fileno())
    draft.close()
    Path(draft.name).replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _discard(draft: BinaryIO) -> None:
    """Remove what was not published; after a rename there is nothing under the draft's name."""
    with suppress(OSError):
        # A full disk refuses the last bytes once more here, and was reported already.
        draft.close()
    Path(draft.name).unlink(missing_ok=True)


@contextmanager
def _reading(key: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as exc:
        raise _not_found(key) from exc
    except OSError as exc:
        raise _unavailable(key, exc) from exc


@contextmanager
def _writing(key: str) -> Iterator[None]:
    try:
        yield
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as exc:
        raise InvalidArtifactKeyError(
            f"the artifact key {key!r} is a folder of other artifacts or lies below one that is a file: choose another"
        ) from exc
    except OSError as exc:
        raise _unavailable(key, exc) from exc


def _unavailable(key: str, exc: OSError) -> ArtifactStoreUnavailable:
    reason = exc.strerror or str(exc)
    return ArtifactStoreUnavailable(
        f"the artifact {key!r} was not reached: {reason}; check the store's disk and rights"
    )


def _not_found(key: str) -> ArtifactNotFoundError:
    return ArtifactNotFoundError(f"there is no artifact {key!r} in the local store")
