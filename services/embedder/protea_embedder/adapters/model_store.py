"""Models in the artifact store: put in from a folder, lent as a folder, every byte checked against the digest."""

from __future__ import annotations

import asyncio
import hashlib
import math
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import ClassVar

from safetensors import SafetensorError, safe_open

from protea_common.errors import PermanentError
from protea_common.storage import ArtifactStore
from protea_embedder.domain.model_files import (
    MANIFEST_NAME,
    MAX_SIDE_FILE_BYTES,
    InvalidModelFilesError,
    ModelManifest,
    choose_model_files,
)

__all__ = [
    "ModelStore",
    "ModelTooLargeError",
    "WeightsDigestMismatchError",
    "count_parameters",
    "model_key",
    "scan_model_folder",
]


class WeightsDigestMismatchError(PermanentError):
    """The encoder's file is not the one that the recipe was made with."""

    slug: ClassVar[str] = "weights-digest-mismatch"


class ModelTooLargeError(PermanentError):
    """The model has more bytes than the operator allows."""

    slug: ClassVar[str] = "model-too-large"


def model_key(digest: str, name: str) -> str:
    """Name a file of a model in the artifact store, by the digest of all its files."""
    return f"encoders/models/{digest}/{name}"


def scan_model_folder(folder: Path, *, max_bytes: int) -> ModelManifest:
    """Find the files of a model in a folder and digest them; only regular files of the folder itself count.

    Raises
    ------
    InvalidModelFilesError
        If it holds no model, or a file beside the weights is too large.
    ModelTooLargeError
        If the files have more than ``max_bytes`` together.
    """
    if not folder.is_dir():
        raise InvalidModelFilesError(f"There is no folder {folder}.")
    chosen = choose_model_files(entry.name for entry in folder.iterdir() if entry.is_file())
    sizes = {name: (folder / name).stat().st_size for name in chosen}
    if (total := sum(sizes.values())) > max_bytes:
        raise ModelTooLargeError(
            f"The model has {total:,} bytes; {max_bytes:,} is the limit (PROTEA_EMBEDDER__MAX_MODEL_BYTES)."
        )
    for name, size in sizes.items():
        if size > MAX_SIDE_FILE_BYTES and not name.endswith(".safetensors"):
            raise InvalidModelFilesError(f"{name} has {size:,} bytes; {MAX_SIDE_FILE_BYTES:,} is the limit.")
    return ModelManifest({name: _digest(folder / name) for name in chosen})


def count_parameters(folder: Path) -> int:
    """Count the numbers in the weights of a folder, from the headers of the files alone.

    Raises
    ------
    InvalidModelFilesError
        If a file is damaged.
    """
    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="numpy") as weights:
                total += sum(math.prod(weights.get_slice(name).get_shape()) for name in sorted(weights.keys()))
        except SafetensorError as exc:
            raise InvalidModelFilesError(f"{path.name} is damaged: {exc}") from exc
    return total


class ModelStore:
    """Models under their digests.

    Parameters
    ----------
    artifacts
        Where they lie.
    executor
        Thread on which files are digested.
    shared
        Folder, laid out as ``encoders/models`` of the artifact store, whose files are lent instead of fetched ones.
    """

    def __init__(self, *, artifacts: ArtifactStore, executor: Executor, shared: Path | None = None) -> None:
        self._artifacts = artifacts
        self._executor = executor
        self._shared = shared

    async def put(self, folder: Path, manifest: ModelManifest) -> str:
        """Keep a model; give where. The list of its files comes last, so that half of a model is none."""
        for name in manifest.digests:
            await self._artifacts.put(model_key(manifest.digest, name), folder / name)
        await self._artifacts.put(model_key(manifest.digest, MANIFEST_NAME), manifest.text)
        return self._artifacts.url(model_key(manifest.digest, MANIFEST_NAME))

    @asynccontextmanager
    async def lend(self, digest: str) -> AsyncIterator[Path]:
        """Lend a model as a folder of its files, checked.

        Raises
        ------
        ArtifactNotFoundError
            If a file of it is not there.
        WeightsDigestMismatchError
            If a file was changed.
        """
        manifest = ModelManifest.read(await self._artifacts.get(model_key(digest, MANIFEST_NAME)))
        if manifest.digest != digest:
            raise _mismatch(digest, MANIFEST_NAME)
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="protea-model-")))
            for name, expected in manifest.digests.items():
                path = await stack.enter_async_context(self._file(digest, name))
                if await loop.run_in_executor(self._executor, _digest, path) != expected:
                    raise _mismatch(digest, name)
                (folder / name).symlink_to(path)
            yield folder

    @asynccontextmanager
    async def _file(self, digest: str, name: str) -> AsyncIterator[Path]:
        shared = None if self._shared is None else self._shared / digest / name
        if shared is not None and await asyncio.to_thread(shared.is_file):
            yield shared
        else:
            async with self._artifacts.local_path(model_key(digest, name)) as path:
                yield path


def _mismatch(digest: str, name: str) -> WeightsDigestMismatchError:
    return WeightsDigestMismatchError(
        f"{name} of the model {digest} is not the file that the recipe was made with; restore it, or register the "
        "model again."
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
