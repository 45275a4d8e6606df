"""Payloads of the embedder's operations."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from protea_common.operations.payload import OperationPayload

__all__ = ["ComputeEmbeddings", "FitKmerEncoder"]


class FitKmerEncoder(OperationPayload):
    """Parameters of ``fit_kmer_encoder``: it learns k-mer statistics from the proteins in the database."""

    seed: int = Field(default=0, ge=0, description="Seed of the decomposition; the same seed gives the same encoder.")
    max_sequences: int = Field(
        default=100_000, ge=2, le=1_000_000, description="Fit on at most so many distinct sequences, lowest hash first."
    )
    display_name: str = Field(default="k-mer profile", min_length=1, max_length=255)


class ComputeEmbeddings(OperationPayload):
    """Parameters of ``compute_embeddings``: with neither accessions nor a query set, every protein is embedded."""

    embedding_config_id: UUID = Field(description="Recipe of the vectors.")
    query_set_id: UUID | None = Field(default=None, description="Embed the sequences of this query set.")
    accessions: tuple[str, ...] | None = Field(
        default=None, min_length=1, max_length=100_000, description="Embed the sequences of these proteins."
    )
    sequences_per_job: int = Field(default=512, ge=1, le=10_000, description="Sequences in one batch message.")
    skip_existing: bool = Field(default=True, description="Leave alone what this recipe has embedded already.")
