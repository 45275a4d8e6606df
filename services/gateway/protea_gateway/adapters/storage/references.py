"""Whether the rows that a payload names are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import (
    AnnotationSet,
    Base,
    EmbeddingConfig,
    EvaluationSet,
    OntologySnapshot,
    PredictionSet,
    QuerySet,
    ScoringConfig,
)
from protea_gateway.adapters.storage.lookup import find

__all__ = ["require_named_rows"]

NAMED_ROWS: Final[dict[str, type[Base]]] = {
    "annotation_set_id": AnnotationSet,
    "old_annotation_set_id": AnnotationSet,
    "new_annotation_set_id": AnnotationSet,
    "embedding_config_id": EmbeddingConfig,
    "evaluation_set_id": EvaluationSet,
    "ontology_snapshot_id": OntologySnapshot,
    "prediction_set_id": PredictionSet,
    "query_set_id": QuerySet,
    "scoring_config_id": ScoringConfig,
}
"""The table that each id of a payload belongs to."""


async def require_named_rows(session: AsyncSession, payload: Mapping[str, Any]) -> None:
    """Check every id in a validated payload.

    Raises
    ------
    NotFoundError
        Naming the first that does not exist.
    """
    for field, row_class in NAMED_ROWS.items():
        key = payload.get(field)
        if isinstance(key, UUID):
            await find(session, row_class, key)
