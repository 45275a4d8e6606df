"""Where models come from: uploaded files, folders that the operator allows, and a hub if the operator allows it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

from protea_common.errors import PermanentError, TransientError
from protea_common.storage import ArtifactNotFoundError, ArtifactStore
from protea_embedder.domain.model_files import choose_model_files

__all__ = [
    "HubNotAllowedError",
    "HubUnavailableError",
    "ModelFolderNotAllowedError",
    "ModelNotAtHubError",
    "ModelSources",
    "UploadNotFoundError",
]

_ARTIFACT_SCHEME: Final = "artifact:"

_HUB_FILES: Final = ("*.safetensors", "*.safetensors.index.json", "*.json", "vocab.txt", "spiece.model")
"""What is fetched; neither pickles nor code."""


class ModelFolderNotAllowedError(PermanentError):
    """The model's folder lies outside the folders that the operator allows."""

    slug: ClassVar[str] = "model-folder-not-allowed"
    status: ClassVar[int] = 403


class UploadNotFoundError(PermanentError):
    """A file of the model was not uploaded, or its upload is gone."""

    slug: ClassVar[str] = "upload-not-found"
    status: ClassVar[int] = 404


class HubNotAllowedError(PermanentError):
    """The operator does not allow to fetch models from a hub."""

    slug: ClassVar[str] = "hub-not-allowed"
    status: ClassVar[int] = 403


class ModelNotAtHubError(PermanentError):
    """The hub has no such model, or does not give it to everybody."""

    slug: ClassVar[str] = "model-not-at-hub"
    status: ClassVar[int] = 404


class HubUnavailableError(TransientError):
    """The model hub does not answer."""

    slug: ClassVar[str] = "hub-unavailable"


class ModelSources:
    """Lends a model as a folder of its files.

    Parameters
    ----------
    artifacts
        Where uploads are.
    allowed_dirs
        Folders below which a model may lie; none of them allows none.
    hub_url
        Address of the hub; None for the library's own.
    allow_hub
        Whether it may be asked.
    executor
        Thread on which is fetched.
    """

    def __init__(
        self,
        *,
        artifacts: ArtifactStore,
        allowed_dirs: Sequence[Path],
        allow_hub: bool,
        hub_url: str | None,
        executor: Executor,
    ) -> None:
        self._artifacts = artifacts
        self._allowed_dirs = allowed_dirs
        self._allow_hub = allow_hub
        self._hub_url = hub_url
        self._executor = executor

    @asynccontextmanager
    async def uploaded(self, files: Mapping[str, str]) -> AsyncIterator[Path]:
        """Lend uploaded files under the names that they have in the model's folder.

        Raises
        ------
        UploadNotFoundError
            If one is no upload.
        InvalidModelFilesError
            If they are not a model.
        """
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="protea-upload-")))
            # Names that are not among those of a model's files, such as ways out of the folder, are left out here.
            for name in choose_model_files(files):
                (folder / name).symlink_to(await self._upload(files[name], name, stack))
            yield folder

    async def _upload(self, source_uri: str, name: str, stack: AsyncExitStack) -> Path:
        if not source_uri.startswith(_ARTIFACT_SCHEME):
            raise UploadNotFoundError(f"{name}: {source_uri!r} is no upload; give what POST /v1/uploads answered.")
        try:
            key = source_uri.removeprefix(_ARTIFACT_SCHEME)
            return await stack.enter_async_context(self._artifacts.local_path(key))
        except ArtifactNotFoundError as exc:
            raise UploadNotFoundError(f"{name}: there is no upload {source_uri!r}; upload the file again.") from exc

    def allowed_folder(self, folder: str) -> Path:
        """Find a folder of this machine; links are followed first, since one may lead out.

        Raises
        ------
        ModelFolderNotAllowedError
            If it lies in none of the allowed folders.
        """
        resolved = Path(folder).resolve()
        if not any(resolved.is_relative_to(allowed.resolve()) for allowed in self._allowed_dirs):
            raise ModelFolderNotAllowedError(
                f"{folder!r} lies in none of the folders that the operator allows (PROTEA_ALLOWED_SOURCE_DIRS); upload "
                "the model's files instead, as `protea encoder add` does."
            )
        return resolved

    @asynccontextmanager
    async def from_hub(self, model: str, *, revision: str) -> AsyncIterator[Path]:
        """Fetch a model's files, never code or pickles, into a folder that lasts as long as the block.

        Raises
        ------
        HubNotAllowedError, ModelNotAtHubError, HubUnavailableError
            As their names say.
        """
        if not self._allow_hub:
            raise HubNotAllowedError(
                "This PROTEA fetches no models: its operator has not set PROTEA_EMBEDDER__ALLOW_HUB. Download the "
                "model yourself, and register its folder with `protea encoder add FOLDER`."
            )
        loop = asyncio.get_running_loop()
        with tempfile.TemporaryDirectory(prefix="protea-hub-") as folder:
            fetch = partial(_fetch, model, revision=revision, folder=Path(folder), endpoint=self._hub_url)
            await loop.run_in_executor(self._executor, fetch)
            yield Path(folder)


def _fetch(model: str, *, revision: str, folder: Path, endpoint: str | None) -> None:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError
    except ModuleNotFoundError as exc:
        raise HubNotAllowedError(
            f"Fetching from a hub needs the package {exc.name}: pip install 'protea[embedder-torch]' where the "
            "coordinator runs."
        ) from exc
    try:
        snapshot_download(
            model, revision=revision, local_dir=folder, allow_patterns=list(_HUB_FILES), endpoint=endpoint, token=False
        )
    except RepositoryNotFoundError as exc:
        raise ModelNotAtHubError(
            f"The hub does not give {model!r} at {revision!r}: check its name, and whether it asks to accept a licence."
        ) from exc
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as exc:
        raise HubUnavailableError(
            f"The model hub does not answer ({type(exc).__name__}); check the network and PROTEA_EMBEDDER__HUB_URL."
        ) from exc
