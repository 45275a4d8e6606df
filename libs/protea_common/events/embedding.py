"""Events of the embedder."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from protea_common.events.batch import BatchDone, BatchFailed, BatchRequested

__all__ = ["EmbeddingsBatchDone", "EmbeddingsBatchFailed", "EmbeddingsBatchRequested"]


class EmbeddingsBatchRequested(BatchRequested):
    """A batch of sequences waits for an embedder worker."""

    type: ClassVar[str] = "embeddings.batch.requested"
    embedding_config_id: UUID = Field(description="Recipe of the vectors.")
    sequences: int = Field(ge=0, description="Sequences in the batch.")
    residues: int = Field(ge=0, description="Residues in the batch.")
    pool: str | None = Field(default=None, description="Pool of workers for models of this size, if they have one.")

    @property
    def routing_key(self) -> str:
        """Add the pool, so that only its workers hear the request."""
        return self.type if self.pool is None else f"{self.type}.{self.pool}"


class EmbeddingsBatchDone(BatchDone):
    """The vectors of a batch are in the database."""

    type: ClassVar[str] = "embeddings.batch.done"
    embedding_config_id: UUID = Field(description="Recipe of the vectors.")
    sequences: int = Field(ge=0, description="Sequences embedded.")
    residues: int = Field(ge=0, description="Residues embedded.")


class EmbeddingsBatchFailed(BatchFailed):
    """A batch of sequences could not be embedded."""

    type: ClassVar[str] = "embeddings.batch.failed"
