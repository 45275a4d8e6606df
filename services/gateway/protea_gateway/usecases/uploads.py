"""Taking in a file that a later job reads."""

from __future__ import annotations

from dataclasses import dataclass

from protea_common.storage import ArtifactStore
from protea_gateway.adapters.received_file import ReceivedFile
from protea_gateway.domain.errors import EmptyInputError
from protea_gateway.domain.uploads import artifact_uri, upload_key

__all__ = ["StoreUpload", "StoredUpload"]


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """An upload in the artifact store.

    Attributes
    ----------
    source_uri
        What the payload of a load names it by.
    """

    source_uri: str
    sha256: str
    bytes: int


class StoreUpload:
    """Puts files into the artifact store, named by their content."""

    def __init__(self, *, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts

    async def __call__(self, file: ReceivedFile) -> StoredUpload:
        """Keep a file; the same file again is the same artifact.

        Raises
        ------
        EmptyInputError
            If it has no bytes.
        """
        sha256, size = await file.measure()
        if size == 0:
            raise EmptyInputError("The upload is empty; send the bytes of a file.")
        key = upload_key(sha256, file.filename)
        if not await self._artifacts.exists(key):
            await self._artifacts.put(key, file.achunks())
        return StoredUpload(artifact_uri(key), sha256, size)
