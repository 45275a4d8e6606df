"""An artifact store that refuses every write while a file says so: a full disk, at the port."""

from __future__ import annotations

from pathlib import Path

from protea_common.storage import ArtifactSource, ArtifactStore, ArtifactStoreUnavailable
from support.flaky_store import FlakyStore

__all__ = ["FullDisk"]


class FullDisk(FlakyStore):
    """Implements `ArtifactStore` over another one.

    Parameters
    ----------
    flag
        While this file exists, nothing can be written.
    """

    def __init__(self, store: ArtifactStore, *, flag: Path) -> None:
        super().__init__(store)
        self._flag = flag

    async def put(self, key: str, source: ArtifactSource) -> str:
        if self._flag.exists():
            raise ArtifactStoreUnavailable(f"the artifact {key!r} was not reached: No space left on device")
        return await super().put(key, source)
