"""Payload of the main job, a pipeline over the embedder's and the predictor's operations."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from protea_common.operations.payload import OperationPayload
from protea_common.operations.prediction import AlignmentUse

__all__ = ["Annotate"]


class Annotate(OperationPayload):
    """Parameters of ``annotate``: what the gateway chose for a FASTA that a user sent."""

    query_set_id: UUID = Field(description="The user's proteins.")
    embedding_config_id: UUID = Field(description="Recipe under which they are compared.")
    annotation_set_id: UUID = Field(description="Annotations that are transferred.")
    ontology_snapshot_id: UUID = Field(description="Release of GO.")
    limit_per_entry: int = Field(default=5, ge=1, le=100, description="Neighbours per query (K), in each pool.")
    scoring_config_id: UUID | None = Field(default=None, description="How votes become scores; null for the default.")
    alignment: AlignmentUse = Field(
        default=AlignmentUse.OFF,
        description="Whether references that MMseqs2 aligns with a query are donors too, as in predict_go_terms.",
    )
