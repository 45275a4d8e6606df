"""The port to large files: reference matrices, fitted encoders, evaluation results."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from protea_common.errors import PermanentError, TransientError

__all__ = [
    "ArtifactNotFoundError",
    "ArtifactSource",
    "ArtifactStore",
    "ArtifactStoreUnavailable",
    "ListableStore",
    "artifact_base",
    "wait_for_artifacts",
]

logger = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 1.0
"""Pause between two looks for the store at the start; longer delays the start, shorter fills the log."""

ArtifactSource: TypeAlias = Path | bytes | AsyncIterator[bytes]
"""What can be stored: a local file, bytes in memory, or chunks as they come."""


class ArtifactNotFoundError(PermanentError):
    """There is no artifact of that name in the store."""

    slug = "artifact-not-found"
    status = 404


class ArtifactStoreUnavailable(TransientError):  # noqa: N818 - the name that operators of earlier versions know
    """The artifact store cannot be written or read at the moment."""

    slug = "artifact-store-unavailable"


class ArtifactStore(Protocol):
    """Keeps blobs under slash-separated keys (``datasets/v1/train.npy``).

    URIs are stored verbatim in the database, so that a reader needs no knowledge of the store that wrote them. Every
    method that takes a key raises ``InvalidArtifactKeyError`` for one that is not allowed, and all but ``url`` and
    ``key_from_uri`` raise ``ArtifactStoreUnavailable`` when the store does not work.
    """

    async def check(self) -> None:
        """See whether the store can be reached, without changing it.

        Raises
        ------
        ArtifactStoreUnavailable
            If it cannot; says what to check.
        """
        ...

    async def aclose(self) -> None:
        """Let go of connections; a second call does nothing."""
        ...

    async def put(self, key: str, source: ArtifactSource) -> str:
        """Store ``source`` under ``key``, replacing what is there; return its URI.

        Readers see all of it or none of it; of two writers at once, one wins whole. What ``source`` raises passes
        through and leaves the key as it was.
        """
        ...

    async def get(self, key: str) -> bytes:
        """Read the whole artifact into memory.

        Raises
        ------
        ArtifactNotFoundError
            If there is none.
        """
        ...

    def local_path(self, key: str) -> AbstractAsyncContextManager[Path]:
        """Lend the artifact as a local file, to be memory-mapped or read by a library; read-only by agreement.

        The path is valid inside the block; memory mapped within it stays valid after it.

        Raises
        ------
        ArtifactNotFoundError
            If there is none.
        """
        ...

    async def exists(self, key: str) -> bool:
        """Whether there is an artifact under ``key``."""
        ...

    async def delete(self, key: str) -> bool:
        """Remove the artifact; false if there was none."""
        ...

    def url(self, key: str) -> str:
        """URI of ``key``, whether or not it exists; without input or output."""
        ...

    def key_from_uri(self, uri: str) -> str:
        """Key of a URI that this store gave out.

        Raises
        ------
        InvalidArtifactKeyError
            If the URI does not lie in this store.
        """
        ...


class ListableStore(ArtifactStore, Protocol):
    """A store that also knows all its artifacts, as backups need."""

    def list_keys(self) -> AsyncIterator[str]:
        """Give the key of every artifact, in no certain order; one that comes or goes meanwhile may be missing.

        Raises
        ------
        ArtifactStoreUnavailable
            If the store does not work.
        """
        ...


def artifact_base(store: ArtifactStore) -> str:
    """Give what all URIs of a store begin with."""
    return store.url("x").removesuffix("x")


async def wait_for_artifacts(store: ArtifactStore, *, limit: timedelta) -> None:
    """Wait until the store works, saying so once a second.

    Raises
    ------
    ArtifactStoreUnavailable
        If it still does not after ``limit``.
    """
    deadline = asyncio.get_running_loop().time() + limit.total_seconds()
    while True:
        try:
            return await store.check()
        except ArtifactStoreUnavailable as exc:
            if asyncio.get_running_loop().time() >= deadline:
                raise
            logger.warning("waiting for the artifact store", extra={"detail": str(exc)})
            await asyncio.sleep(_RETRY_SECONDS)
