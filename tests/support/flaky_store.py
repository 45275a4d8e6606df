"""An artifact store that does not answer for a while, or counts what is read."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from protea_common.storage import ArtifactSource, ArtifactStore, ArtifactStoreUnavailable

__all__ = ["FlakyStore"]


class FlakyStore:
    """Implements `ArtifactStore` over another one.

    Attributes
    ----------
    reads
        How often `get` was called.
    """

    def __init__(self, store: ArtifactStore, *, failures: int = 0) -> None:
        self._store = store
        self._failures = failures
        self.reads = 0

    async def check(self) -> None:
        self._maybe_fail()

    async def aclose(self) -> None:
        await self._store.aclose()

    async def put(self, key: str, source: ArtifactSource) -> str:
        self._maybe_fail()
        return await self._store.put(key, source)

    async def get(self, key: str) -> bytes:
        self.reads += 1
        self._maybe_fail()
        return await self._store.get(key)

    def local_path(self, key: str) -> AbstractAsyncContextManager[Path]:
        return self._store.local_path(key)

    async def exists(self, key: str) -> bool:
        return await self._store.exists(key)

    async def delete(self, key: str) -> bool:
        return await self._store.delete(key)

    def url(self, key: str) -> str:
        return self._store.url(key)

    def key_from_uri(self, uri: str) -> str:
        return self._store.key_from_uri(uri)

    def _maybe_fail(self) -> None:
        if self._failures > 0:
            self._failures -= 1
            raise ArtifactStoreUnavailable("the store does not answer; try again later")
