"""Encoders in memory: loaded by recipe from the artifact store, the most recent ones kept."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import ClassVar
from uuid import UUID

from protea_common.errors import PermanentError
from protea_common.storage import ArtifactStore
from protea_embedder.domain.embedding_config import EmbeddingConfig
from protea_embedder.domain.encoder import Encoder
from protea_embedder.domain.kmer_encoder import KmerEncoder
from protea_embedder.domain.kmer_state import from_safetensors, state_digest
from protea_embedder.domain.recipe import ModelBackend

__all__ = [
    "EncoderCache",
    "UnsupportedBackendError",
    "WeightsDigestMismatchError",
    "kmer_weights_key",
]


class WeightsDigestMismatchError(PermanentError):
    """The encoder's file is not the one that the recipe was made with."""

    slug: ClassVar[str] = "weights-digest-mismatch"


class UnsupportedBackendError(PermanentError):
    """The recipe needs a backend that is not part of this build of the embedder."""

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
    """

    def __init__(self, *, artifacts: ArtifactStore, executor: Executor, capacity: int) -> None:
        self._artifacts = artifacts
        self._executor = executor
        self._capacity = capacity
        self._encoders: OrderedDict[UUID, Encoder] = OrderedDict()
        self._lock = asyncio.Lock()
        self._loaders: dict[str, Callable[[EmbeddingConfig], Awaitable[Encoder]]] = {
            ModelBackend.KMER: self._load_kmer,
        }

    async def get(self, config: EmbeddingConfig) -> Encoder:
        """Give the encoder, loading it if it is not in memory.

        Raises
        ------
        UnsupportedBackendError
            If this build cannot run the recipe's backend.
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
        backend = config.recipe.model_backend
        if backend not in self._loaders:
            raise UnsupportedBackendError(
                f"Recipe {config.id} needs the backend {backend!r}; this build has {', '.join(sorted(self._loaders))}."
            )
        return await self._loaders[backend](config)

    async def _load_kmer(self, config: EmbeddingConfig) -> Encoder:
        # Found by its content, not by the stored URI: that would break when the store moves.
        data = await self._artifacts.get(kmer_weights_key(str(config.recipe.weights_digest)))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, _open_kmer, data, config)


def _open_kmer(data: bytes, config: EmbeddingConfig) -> KmerEncoder:
    found = state_digest(data)
    if found != config.recipe.weights_digest:
        raise WeightsDigestMismatchError(
            f"The weights of recipe {config.id} at {config.weights_uri} have the digest {found}, where "
            f"{config.recipe.weights_digest} is expected; restore the file or fit the encoder again."
        )
    return KmerEncoder(from_safetensors(data), normalize=config.recipe.normalize)
