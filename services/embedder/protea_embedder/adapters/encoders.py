"""Encoders in memory: loaded by recipe from the artifact store, the most recent ones kept."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from protea_common.errors import PermanentError
from protea_common.storage import ArtifactStore
from protea_embedder.adapters.model_store import ModelStore, WeightsDigestMismatchError
from protea_embedder.domain.embedding_config import EmbeddingConfig
from protea_embedder.domain.encoder import Encoder
from protea_embedder.domain.kmer_encoder import KmerEncoder
from protea_embedder.domain.kmer_state import from_safetensors, state_digest
from protea_embedder.domain.precision import ANYWHERE, Placement
from protea_embedder.domain.recipe import TORCH_BACKENDS, EmbeddingRecipe, ModelBackend

__all__ = [
    "EncoderCache",
    "UnsupportedBackendError",
    "WeightsDigestMismatchError",
    "kmer_weights_key",
]


class UnsupportedBackendError(PermanentError):
    """The recipe needs a backend whose libraries are not installed here."""

    slug: ClassVar[str] = "unsupported-backend"


def kmer_weights_key(digest: str) -> str:
    """Name the file of a k-mer encoder in the artifact store by its SHA-256."""
    return f"encoders/kmer/{digest}.safetensors"


class EncoderCache:
    """Gives the encoder of a recipe; those who ask for one that is just being loaded wait for it.

    Parameters
    ----------
    artifacts
        Where the weights lie.
    executor
        The device's thread, which checks and unpacks them.
    capacity
        Encoders kept, at least 1.
    placement
        Where language models run.
    shared_weights
        Folder of models that is looked into before the artifact store.
    """

    def __init__(
        self,
        *,
        artifacts: ArtifactStore,
        executor: Executor,
        capacity: int,
        placement: Placement = ANYWHERE,
        shared_weights: Path | None = None,
    ) -> None:
        self._artifacts = artifacts
        self._models = ModelStore(artifacts=artifacts, executor=executor, shared=shared_weights)
        self._executor = executor
        self._capacity = capacity
        self._placement = placement
        self._encoders: OrderedDict[UUID, Encoder] = OrderedDict()
        self._lock = asyncio.Lock()
        self._loaders: dict[str, Callable[[EmbeddingConfig], Awaitable[Encoder]]] = {
            ModelBackend.KMER: self._load_kmer,
            ModelBackend.IMPORTED: _refuse_imported,
            **dict.fromkeys(TORCH_BACKENDS, self._load_language_model),
        }

    async def get(self, config: EmbeddingConfig) -> Encoder:
        """Give the encoder, loading it if it is not in memory.

        Raises
        ------
        UnsupportedBackendError
            If what the recipe's backend needs is not installed.
        WeightsDigestMismatchError
            If the file's SHA-256 is not the recipe's.
        ArtifactNotFoundError
            If the file is gone.
        """
        async with self._lock:
            if config.id not in self._encoders:
                self._encoders[config.id] = await self._load(config)
            self._encoders.move_to_end(config.id)
            while len(self._encoders) > self._capacity:
                self._encoders.popitem(last=False)
            return self._encoders[config.id]

    async def _load(self, config: EmbeddingConfig) -> Encoder:
        return await self._loaders[config.recipe.model_backend](config)

    async def _load_language_model(self, config: EmbeddingConfig) -> Encoder:
        open_model = _language_model_opener(config)
        if config.recipe.weights_digest is None:
            raise WeightsDigestMismatchError(
                f"Recipe {config.id} names no weights; register its model with `protea encoder add`."
            )
        loop = asyncio.get_running_loop()
        async with self._models.lend(config.recipe.weights_digest) as folder:
            return await loop.run_in_executor(self._executor, open_model, folder, config.recipe, self._placement)

    async def _load_kmer(self, config: EmbeddingConfig) -> Encoder:
        # Found by its content, not by the stored URI: that would break when the store moves.
        data = await self._artifacts.get(kmer_weights_key(str(config.recipe.weights_digest)))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, _open_kmer, data, config)


async def _refuse_imported(config: EmbeddingConfig) -> Encoder:
    raise UnsupportedBackendError(
        f"The vectors of recipe {config.id} were imported, and nobody here can compute more of them: import those of "
        "the other sequences too, or choose another recipe."
    )


def _open_kmer(data: bytes, config: EmbeddingConfig) -> KmerEncoder:
    found = state_digest(data)
    if found != config.recipe.weights_digest:
        raise WeightsDigestMismatchError(
            f"The weights of recipe {config.id} at {config.weights_uri} have the digest {found}, where "
            f"{config.recipe.weights_digest} is expected; restore the file or fit the encoder again."
        )
    return KmerEncoder(from_safetensors(data), normalize=config.recipe.normalize)


def _language_model_opener(config: EmbeddingConfig) -> Callable[[Path, EmbeddingRecipe, Placement], Encoder]:
    """Find what opens language models; here, since most installations have no torch.

    Raises
    ------
    UnsupportedBackendError
        Saying what to install.
    """
    is_unirep = config.recipe.model_backend == ModelBackend.UNIREP
    try:
        if is_unirep:
            from protea_embedder.adapters.language_models.unirep import load_unirep_encoder

            return load_unirep_encoder
        from protea_embedder.adapters.language_models.loading import load_encoder
    except ModuleNotFoundError as exc:
        extra = "unirep" if is_unirep else "embedder-torch"
        raise UnsupportedBackendError(
            f"Recipe {config.id} needs the backend {config.recipe.model_backend!r}, which runs on torch, and the "
            f"package {exc.name} is not installed: pip install 'protea[{extra}]', or choose a recipe of the "
            "k-mer encoder."
        ) from exc
    return load_encoder
