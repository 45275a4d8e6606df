"""Where large files are kept, behind one port: in a local folder or an S3 bucket."""

from protea_common.storage.factory import StorageBackendUnsupportedError, get_artifact_store
from protea_common.storage.keys import InvalidArtifactKeyError, check_key
from protea_common.storage.local import LocalFsArtifactStore
from protea_common.storage.store import (
    ArtifactNotFoundError,
    ArtifactSource,
    ArtifactStore,
    ArtifactStoreUnavailable,
    ListableStore,
    artifact_base,
    wait_for_artifacts,
)

__all__ = [
    "ArtifactNotFoundError",
    "ArtifactSource",
    "ArtifactStore",
    "ArtifactStoreUnavailable",
    "InvalidArtifactKeyError",
    "ListableStore",
    "LocalFsArtifactStore",
    "StorageBackendUnsupportedError",
    "artifact_base",
    "check_key",
    "get_artifact_store",
    "wait_for_artifacts",
]
