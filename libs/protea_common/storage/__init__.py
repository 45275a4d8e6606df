"""Where large files are kept, behind one port: a local folder now, an S3 bucket beside it."""

from protea_common.storage.factory import StorageBackendUnsupportedError, get_artifact_store
from protea_common.storage.keys import InvalidArtifactKeyError, check_key
from protea_common.storage.local import LocalFsArtifactStore
from protea_common.storage.store import ArtifactNotFoundError, ArtifactSource, ArtifactStore, ArtifactStoreUnavailable

__all__ = [
    "ArtifactNotFoundError",
    "ArtifactSource",
    "ArtifactStore",
    "ArtifactStoreUnavailable",
    "InvalidArtifactKeyError",
    "LocalFsArtifactStore",
    "StorageBackendUnsupportedError",
    "check_key",
    "get_artifact_store",
]
