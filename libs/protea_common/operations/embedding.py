"""Payloads of the embedder's operations."""

from __future__ import annotations

from typing import Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from protea_common.operations.payload import OperationPayload

__all__ = [
    "ComputeEmbeddings",
    "EmbedResidues",
    "ExportEmbeddings",
    "FitKmerEncoder",
    "ImportEmbeddings",
    "RegisterEncoder",
]


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


class RegisterEncoder(OperationPayload):
    """Parameters of ``register_encoder``: a protein language model becomes a recipe that sequences are embedded under.

    The model comes from one of three places: uploaded files, a folder of the server, or a model hub.
    """

    model_config = ConfigDict(protected_namespaces=())

    model_name: str = Field(
        min_length=1, max_length=255, description="Its public name; one with `prostt5` in it is run as ProstT5."
    )
    model_backend: Literal["esm", "esm3c", "t5", "ankh", "unirep", "auto"] = Field(description="How it is run.")
    licence: str = Field(min_length=1, max_length=255, description="Licence of the weights, shown to those who choose.")
    files: dict[str, str] | None = Field(
        default=None,
        min_length=2,
        max_length=200,
        description="Uploaded files by their names in the model's folder, as `source_uri` of POST /v1/uploads.",
    )
    folder: str | None = Field(default=None, description="Folder of the server, below one that its operator allows.")
    hub_model: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?$",
        description="Name at the model hub; only where the operator allows to fetch models.",
    )
    hub_revision: str = Field(default="main", pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$")
    layer_indices: tuple[int, ...] = Field(
        default=(0,), min_length=1, max_length=64, description="0 is the last layer."
    )
    layer_agg: str = Field(default="mean", description="mean, last or concat.")
    pooling: str = Field(default="mean", description="mean, max, cls or mean_max.")
    normalize_residues: bool = Field(default=False, description="Scale residues to unit length before pooling.")
    normalize: bool = Field(default=True, description="Scale vectors to unit length.")
    max_length: int = Field(default=1022, ge=0, le=100_000, description="What the model sees of a sequence; 0 is all.")
    use_chunking: bool = Field(default=False, description="A vector for each chunk of a sequence.")
    chunk_size: int = Field(default=512, ge=1, le=100_000, description="Residues of a chunk.")
    chunk_overlap: int = Field(default=0, ge=0, description="Residues that a chunk shares with the next.")
    embedding_scale: float = Field(
        default=1.0, gt=0, description="Divisor before vectors are stored in half precision."
    )
    display_name: str | None = Field(default=None, min_length=1, max_length=255)
    family: str | None = Field(default=None, min_length=1, max_length=64)
    description: str = Field(default="", max_length=2_000)

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if sum(source is not None for source in (self.files, self.folder, self.hub_model)) != 1:
            msg = "give one of files, folder and hub_model"
            raise ValueError(msg)
        return self


class ExportEmbeddings(OperationPayload):
    """Parameters of ``export_embeddings``: the vectors of a recipe as a file, of all proteins or of a query set."""

    embedding_config_id: UUID = Field(description="Recipe of the vectors.")
    query_set_id: UUID | None = Field(default=None, description="Those of this query set; else of all proteins.")
    file_format: Literal["hdf5", "parquet"] = Field(
        default="hdf5", description="hdf5 has a dataset for each accession, parquet a row for each vector."
    )


class ImportEmbeddings(OperationPayload):
    """Parameters of ``import_embeddings``: vectors that others computed become an embedding set with a recipe."""

    model_config = ConfigDict(protected_namespaces=())

    source_uri: str = Field(
        min_length=1, description="Uploaded HDF5 file with a dataset of one vector for each accession."
    )
    model_name: str = Field(min_length=1, max_length=255, description="Model that made the vectors.")
    licence: str = Field(min_length=1, max_length=255, description="Licence of the vectors or of their model.")
    query_set_id: UUID | None = Field(
        default=None, description="Accessions are those of this query set; else of proteins."
    )
    normalize: bool = Field(default=True, description="Scale the vectors to unit length.")
    embedding_scale: float = Field(
        default=1.0, gt=0, description="Divisor before vectors are stored in half precision."
    )
    display_name: str | None = Field(default=None, min_length=1, max_length=255)
    description: str = Field(default="", max_length=2_000, description="How the vectors were made.")


class EmbedResidues(OperationPayload):
    """Parameters of ``embed_residues``: a vector for every residue of some proteins, as a file."""

    embedding_config_id: UUID = Field(description="Recipe of a language model; its pooling and chunks do not count.")
    accessions: tuple[str, ...] = Field(min_length=1, max_length=500, description="Proteins, all of them known.")
    query_set_id: UUID | None = Field(default=None, description="Accessions are those of this query set.")
