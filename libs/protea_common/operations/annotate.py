"""Payload of the main job, a pipeline over the embedder's and the predictor's operations."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from pydantic import Field

from protea_common.operations.payload import OperationPayload
from protea_common.operations.prediction import AlignmentUse

__all__ = ["COMPOSITE_CHOICES", "COMPOSITE_LEAST_SCORE", "COMPOSITE_NEIGHBOURS", "Annotate", "AnnotationMethod"]


class AnnotationMethod(StrEnum):
    """How terms are predicted: by the nearest neighbours alone, or by all that speaks for a term."""

    NEIGHBOURS = "neighbours"
    COMPOSITE = "composite"


COMPOSITE_NEIGHBOURS = 50
"""Of each protein in each aspect: of these, the 30 nearest that have a term of the aspect vote."""

COMPOSITE_LEAST_SCORE = 0.05
"""Terms of the composite that score less are not stored: they are most of all, and too many to read."""

COMPOSITE_CHOICES: Mapping[str, bool] = MappingProxyType(
    dict.fromkeys(
        (
            "known_term_candidates",
            "compute_self_prior",
            "compute_profile",
            "compute_association",
            "compute_species_prior",
            "compute_term_gains",
            "compute_links",
        ),
        True,
    )
)
"""What the preset ``composite_by_knowledge`` needs of ``predict_go_terms``, beside alignment."""


class Annotate(OperationPayload):
    """Parameters of ``annotate``: what the gateway chose for a FASTA that a user sent."""

    query_set_id: UUID = Field(description="The user's proteins.")
    embedding_config_id: UUID = Field(description="Recipe under which they are compared.")
    annotation_set_id: UUID = Field(description="Annotations that are transferred.")
    ontology_snapshot_id: UUID = Field(description="Release of GO.")
    method: AnnotationMethod = Field(default=AnnotationMethod.NEIGHBOURS, description="What speaks for a term.")
    limit_per_entry: int = Field(default=5, ge=1, le=100, description="Neighbours per query (K), in each pool.")
    scoring_config_id: UUID | None = Field(default=None, description="How votes become scores; null for the default.")
    alignment: AlignmentUse = Field(
        default=AlignmentUse.OFF,
        description="Whether references that MMseqs2 aligns with a query are donors too, as in predict_go_terms.",
    )
