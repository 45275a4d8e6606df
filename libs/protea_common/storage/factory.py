"""Chooses the artifact store that the settings name."""

from __future__ import annotations

from protea_common.errors import PermanentError
from protea_common.settings import Settings, StorageBackend, missing_settings
from protea_common.storage.local import LocalFsArtifactStore
from protea_common.storage.store import ListableStore

__all__ = ["StorageBackendUnsupportedError", "get_artifact_store"]


class StorageBackendUnsupportedError(PermanentError):
    """The settings name an artifact store whose library is not installed."""

    slug = "storage-backend-unsupported"


def get_artifact_store(settings: Settings) -> ListableStore:
    """Make the store of ``settings.storage_backend``; never another one in its place.

    Raises
    ------
    MissingSettingError
        For ``s3`` without endpoint or credentials; names each that is missing.
    StorageBackendUnsupportedError
        For ``s3`` where its library is not installed.
    """
    match settings.storage_backend:
        case StorageBackend.LOCAL:
            return LocalFsArtifactStore(settings.storage_root or settings.artifacts_dir)
        case StorageBackend.S3:
            return _s3_store(settings)


def _s3_store(settings: Settings) -> ListableStore:
    endpoint, access_key, secret_key = settings.s3_endpoint, settings.s3_access_key, settings.s3_secret_key
    if not (endpoint and access_key and secret_key):
        needed = ("s3_endpoint", "s3_access_key", "s3_secret_key")
        raise missing_settings(name for name in needed if not getattr(settings, name))
    try:
        # Here, so that a local store needs no library for S3.
        from protea_common.storage.s3 import S3ArtifactStore, S3Bucket
    except ModuleNotFoundError as exc:
        raise StorageBackendUnsupportedError(
            f"the S3 artifact store needs the package {exc.name}: pip install 'protea[s3]', "
            "or set PROTEA_STORAGE_BACKEND=local"
        ) from exc
    bucket = S3Bucket(
        endpoint=_address(endpoint, secure=settings.s3_secure),
        name=settings.s3_bucket,
        access_key=access_key,
        secret_key=secret_key.get_secret_value(),
        region=settings.s3_region,
    )
    return S3ArtifactStore(bucket)


def _address(endpoint: str, *, secure: bool) -> str:
    scheme = "" if "://" in endpoint else "https://" if secure else "http://"
    return f"{scheme}{endpoint.rstrip('/')}"
