"""Chooses the artifact store that the settings name."""

from __future__ import annotations

from protea_common.errors import PermanentError
from protea_common.settings import Settings, StorageBackend
from protea_common.storage.local import LocalFsArtifactStore
from protea_common.storage.store import ArtifactStore

__all__ = ["StorageBackendUnsupportedError", "get_artifact_store"]


class StorageBackendUnsupportedError(PermanentError):
    """The settings name an artifact store that this version of PROTEA does not have."""

    slug = "storage-backend-unsupported"


def get_artifact_store(settings: Settings) -> ArtifactStore:
    """Make the store of ``settings.storage_backend``; never another one in its place.

    Raises
    ------
    StorageBackendUnsupportedError
        For ``s3``, which is not in this version.
    """
    match settings.storage_backend:
        case StorageBackend.LOCAL:
            return LocalFsArtifactStore(settings.storage_root or settings.artifacts_dir)
        case StorageBackend.S3:
            raise StorageBackendUnsupportedError(
                "the S3 artifact store is not in this version: set PROTEA_STORAGE_BACKEND=local"
            )
