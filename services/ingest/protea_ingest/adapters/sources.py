"""Files to be loaded: an upload in the artifact store, or a file of a folder that the operator allows."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, ClassVar
from urllib.parse import unquote

from protea_common.domain.text_stream import decompress, read_text_lines
from protea_common.errors import PermanentError
from protea_common.storage import ArtifactNotFoundError, ArtifactStore

__all__ = ["SourceFile", "SourceFiles", "SourceNotAllowedError", "SourceNotFoundError"]

_ARTIFACT_SCHEME = "artifact:"
_FILE_SCHEME = "file://"
_READ_BYTES = 262_144
"""Bytes read at a time; fewer cost calls, more only memory."""


class SourceNotAllowedError(PermanentError):
    """The file to be loaded lies outside the folders that the operator allows."""

    slug: ClassVar[str] = "source-not-allowed"
    status: ClassVar[int] = 403


class SourceNotFoundError(PermanentError):
    """The file to be loaded does not exist, or the service may not read it."""

    slug: ClassVar[str] = "source-not-found"
    status: ClassVar[int] = 404


class SourceFile:
    """An open file; its lines are read once, on a thread, while the event loop may look at `bytes_read`.

    Attributes
    ----------
    path
        The file itself, as long as it is open.
    size_bytes
        Its size as it lies there, compressed or not.
    bytes_read
        How much of that was read so far.
    """

    def __init__(self, path: Path, file: BinaryIO, *, size_bytes: int, max_decompressed_bytes: int) -> None:
        self.path = path
        self.size_bytes = size_bytes
        self.bytes_read = 0
        self._file = file
        self._max_decompressed_bytes = max_decompressed_bytes
        self._digest = hashlib.sha256()

    @property
    def content_sha256(self) -> str:
        """SHA-256 of the text that was read, decompressed; of the whole file once its lines were read to the end."""
        return self._digest.hexdigest()

    def lines(self) -> Iterator[str]:
        """Read the lines, see `protea_common.domain.text_stream.read_text_lines`."""
        return read_text_lines(self._hashed_text(), max_decompressed_bytes=self._max_decompressed_bytes)

    def _hashed_text(self) -> Iterator[bytes]:
        for piece in decompress(self._counted_chunks(), max_decompressed_bytes=self._max_decompressed_bytes):
            self._digest.update(piece)
            yield piece

    def _counted_chunks(self) -> Iterator[bytes]:
        while chunk := self._file.read(_READ_BYTES):
            self.bytes_read += len(chunk)
            yield chunk


class SourceFiles:
    """Opens what a job names as its source.

    Parameters
    ----------
    artifacts
        Where uploads are.
    allowed_dirs
        Folders whose files may be loaded; none of them allows no file outside the artifact store.
    max_decompressed_bytes
        Most text that a file may hold.
    executor
        The one thread that files are read on.
    """

    def __init__(
        self,
        *,
        artifacts: ArtifactStore,
        allowed_dirs: Sequence[Path],
        max_decompressed_bytes: int,
        executor: Executor,
    ) -> None:
        self._artifacts = artifacts
        self._allowed_dirs = allowed_dirs
        self._max_decompressed_bytes = max_decompressed_bytes
        self._executor = executor

    @asynccontextmanager
    async def open(self, source_uri: str) -> AsyncIterator[SourceFile]:
        """Open a source while the block runs.

        Raises
        ------
        SourceNotAllowedError
            If it is neither an upload nor inside an allowed folder, links followed.
        SourceNotFoundError
            If there is no such file, or its permissions forbid to read it.
        ArtifactStoreUnavailable
            If the store does not answer.
        """
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            path = await self._locate(source_uri, stack)
            file, size_bytes = await loop.run_in_executor(self._executor, partial(_open, path, source_uri=source_uri))
            try:
                yield SourceFile(path, file, size_bytes=size_bytes, max_decompressed_bytes=self._max_decompressed_bytes)
            finally:
                # On the reading thread, so after what it still reads when the job was stopped.
                await loop.run_in_executor(self._executor, file.close)

    async def _locate(self, source_uri: str, stack: AsyncExitStack) -> Path:
        if source_uri.startswith(_ARTIFACT_SCHEME):
            try:
                return await stack.enter_async_context(
                    self._artifacts.local_path(source_uri.removeprefix(_ARTIFACT_SCHEME))
                )
            except ArtifactNotFoundError as exc:
                raise SourceNotFoundError(f"There is no upload {source_uri!r}; upload the file again.") from exc
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, partial(_resolve_allowed, source_uri, self._allowed_dirs))


def _resolve_allowed(source_uri: str, allowed_dirs: Sequence[Path]) -> Path:
    """Follow all links first: one inside an allowed folder may lead out of it."""
    path = Path(unquote(source_uri.removeprefix(_FILE_SCHEME)))
    try:
        resolved = path.resolve()
        allowed = any(resolved.is_relative_to(folder.resolve()) for folder in allowed_dirs)
    except (ValueError, RuntimeError) as exc:  # a NUL character; links in a circle
        raise SourceNotFoundError(f"{source_uri!r} names no file.") from exc
    if not (source_uri.startswith(_FILE_SCHEME) and path.is_absolute() and allowed):
        raise SourceNotAllowedError(
            f"{source_uri!r} is not inside a folder that files may be loaded from. Upload it, or add its folder to "
            "PROTEA_ALLOWED_SOURCE_DIRS (sources.allowed_dirs in the settings file)."
        )
    return resolved


def _open(path: Path, *, source_uri: str) -> tuple[BinaryIO, int]:
    """Open a regular file: a pipe or a device could block for ever."""
    try:
        if not path.is_file():
            raise SourceNotFoundError(f"There is no file {source_uri!r}; correct the path.")
        file = path.open("rb")
    except PermissionError as exc:
        raise SourceNotFoundError(f"{source_uri!r} may not be read by the service; change its permissions.") from exc
    return file, path.stat().st_size
