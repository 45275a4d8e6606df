"""Payloads of the predictor's operations."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from protea_common.domain.distance import DistanceMetric
from protea_common.operations.payload import OperationPayload

__all__ = ["AlignmentUse", "CandidateChoices", "DonorPolicy", "PredictGoTerms", "SearchBackend"]


TaxonId = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""NCBI id of a taxon."""


class DonorPolicy(BaseModel):
    """Which annotations may be transferred; NOT-qualified ones never are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    evidence_codes: tuple[str, ...] | None = Field(
        default=None, min_length=1, max_length=64, description="Only these evidence codes; null for all."
    )
    reviewed_only: bool = Field(default=False, description="Only proteins that a curator reviewed (Swiss-Prot).")
    taxon_ids: tuple[TaxonId, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=1_000,
        description="Only proteins of these taxa, by the id that they carry, not by those above it; null for all.",
    )
    excluded_taxon_ids: tuple[TaxonId, ...] = Field(
        default=(), max_length=1_000, description="No proteins of these taxa, by the id that they carry."
    )
    annotated_until: date | None = Field(
        default=None,
        description="Only annotations dated on or before this day; those without a date are left out. Null for all.",
    )

    @model_validator(mode="after")
    def _require_distinct_taxa(self) -> Self:
        both = sorted(set(self.taxon_ids or ()) & set(self.excluded_taxon_ids))
        if both:
            raise ValueError(f"taxon_ids and excluded_taxon_ids both name {both[:5]}; leave them out of one.")
        return self


class AlignmentUse(StrEnum):
    """Whether references are found by aligning sequences too."""

    AUTO = "auto"
    REQUIRED = "required"
    OFF = "off"


class SearchBackend(StrEnum):
    """What finds neighbours: ``numpy`` compares all, the others choose, and what they chose is ranked exactly."""

    NUMPY = "numpy"
    FAISS = "faiss"
    TORCH = "torch"
    PGVECTOR = "pgvector"


class CandidateChoices(OperationPayload):
    """How candidates come about and what is known about them; the same choices give the same rows everywhere."""

    embedding_config_id: UUID = Field(description="Recipe under which queries and references are compared.")
    ontology_snapshot_id: UUID = Field(description="Release of GO; it must be the annotation set's own.")
    limit_per_entry: int = Field(default=5, ge=1, le=100, description="Neighbours per query (K), in each pool.")
    distance_threshold: float | None = Field(default=None, ge=0, description="Neighbours farther away are dropped.")
    metric: DistanceMetric = Field(default=DistanceMetric.COSINE, description="Distance between embeddings.")
    aspect_separated_knn: bool = Field(default=True, description="Search one pool per aspect instead of one for all.")
    expand_votes_to_ancestors: bool = Field(
        default=True, description="A vote for a term is also a vote for the terms above it."
    )
    search_backend: SearchBackend = Field(
        default=SearchBackend.NUMPY,
        description=(
            "What finds neighbours: numpy, exact; faiss; torch, exact, on the worker's device; or pgvector, an HNSW "
            "index in the database that is made on first use. Distances and order are exact with each of them."
        ),
    )
    faiss_index_type: Literal["Flat", "IVFFlat", "HNSW"] = Field(
        default="Flat", description="Kind of faiss's index: exact, inverted lists, or a graph."
    )
    faiss_nlist: int = Field(default=100, ge=1, le=65_536, description="Inverted lists of an IVFFlat index.")
    faiss_nprobe: int = Field(default=10, ge=1, le=65_536, description="Inverted lists that a query looks into.")
    faiss_hnsw_m: int = Field(default=32, ge=2, le=128, description="Links of a node of faiss's graph.")
    faiss_hnsw_ef_search: int = Field(
        default=64, ge=1, le=1_000, description="Nodes that a search of a graph keeps at hand, pgvector's too."
    )
    alignment: AlignmentUse = Field(
        default=AlignmentUse.OFF,
        description=(
            "Whether references that MMseqs2 aligns with a query are donors beside the neighbours: required, off, or "
            "auto, which is where MMseqs2 is installed."
        ),
    )
    alignment_sensitivity: float = Field(
        default=5.7, ge=1, le=7.5, description="MMseqs2's -s: from fast to the most remote homologues."
    )
    alignment_hits: int = Field(
        default=200,
        ge=50,
        le=1_000,
        description=(
            "Aligned references kept of each query: the 50 best are donors, the others vote where fewer than 50 of the "
            "better ones have a term in the aspect."
        ),
    )
    donor_policy: DonorPolicy = Field(default=DonorPolicy(), description="Which annotations may be transferred.")
    compute_alignments: bool = Field(
        default=False,
        description="How each query aligns with its nearest donors, globally and locally; scoring by identity has it.",
    )
    compute_taxonomy: bool = Field(
        default=False, description="How the donors' taxa lie to the query's; needs the operator's taxonomy dump."
    )
    compute_term_vectors: bool = Field(
        default=False, description="How near terms lie by Anc2Vec; needs the operator's file of vectors."
    )
    compute_embedding_pca: bool = Field(
        default=False,
        description=(
            "Principal components of the query's vector, by the recipe's one stored fit; the first dataset that asks "
            "for them fits it, and predictions are refused until then."
        ),
    )
    interpro_mapping: str | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        description=(
            "What InterPro entries found on the queries imply, by this release of the InterPro2GO mapping; null to "
            "leave it out. A query without results has no value, never 0."
        ),
    )
    interpro_release: str | None = Field(
        default=None, min_length=1, max_length=64, description="Only InterPro results of this release; null for all."
    )
    compute_self_prior: bool = Field(
        default=False,
        description="Use what the annotation set says of the query itself by evidence that is not experimental.",
    )
    compute_lineage: bool = Field(
        default=False, description="Where a term lies to the query's experimental terms of the annotation set."
    )
    compute_information: bool = Field(
        default=False, description="Information accretion of terms by the annotation set's experimental annotations."
    )
    compute_association: bool = Field(
        default=False, description="How often references with the query's experimental terms carry a term too."
    )
    compute_profile: bool = Field(
        default=False,
        description="What the references say that the annotation set describes most like it describes the query.",
    )
    known_term_candidates: bool = Field(
        default=False,
        description=(
            "Terms that only profiles or associations give, as far as those are computed, and common terms are "
            "candidates too, up to 500 of each query and aspect."
        ),
    )
    compute_species_prior: bool = Field(
        default=False, description="How common a term is among the references of the query's own taxon."
    )
    compute_term_gains: bool = Field(
        default=False,
        description=(
            "How often references of the query's own taxon gained a term in the last year that the annotation set "
            "knows; absent where its annotations have no dates."
        ),
    )
    compute_links: bool = Field(
        default=False,
        description=(
            "What the references say that the annotation set links with the query: by a physical interaction, or by a "
            "paper about both."
        ),
    )


class PredictGoTerms(CandidateChoices):
    """Parameters of ``predict_go_terms``."""

    annotation_set_id: UUID = Field(description="Annotations that are transferred.")
    query_set_id: UUID = Field(description="Proteins to predict.")
    scoring_config_id: UUID | None = Field(default=None, description="How votes become scores; null for the default.")
    batch_size: int = Field(default=256, ge=1, le=4096, description="Queries in one batch message.")
    reranker_model_ids: tuple[UUID, ...] = Field(
        default=(),
        max_length=12,
        description="Boosters that score candidates anew, each in the category and aspect that it was trained for.",
    )
    reranker_share: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="How much of a candidate's score its booster says; the recipe says the rest.",
    )
    on_schema_mismatch: Literal["fail", "keep_knn_order"] = Field(
        default="fail",
        description=(
            "What becomes of the job if a booster was trained on other features than are computed: it fails, or the "
            "scores of the recipe stay, with a warning."
        ),
    )
    calibration_id: UUID | None = Field(
        default=None, description="Curves that make probabilities of the scores; null for scores as they are."
    )
    abstain_below: float = Field(
        default=0.0, ge=0, lt=1, description="Terms that score below it, after calibration, are not stored."
    )
    store_evidence: bool = Field(
        default=True,
        description=(
            "Store donors and features with each prediction; without, its score alone, a tenth of the bytes, for sets "
            "that are only measured."
        ),
    )
