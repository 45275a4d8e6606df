"""Prediction sets and their predictions, which the predictor writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.errors import PermanentError
from protea_common.orm import GOTerm, OntologySnapshot, PredictionSetStatus
from protea_common.orm import PredictionSet as PredictionSetRow
from protea_common.scored_terms import ScoredTerms, read_scored_terms
from protea_evaluator.adapters.storage.releases import OntologyRelease, select_release

__all__ = ["PredictionSet", "PredictionSetNotFoundError", "PredictionStore"]

_ROWS_PER_FETCH = 5_000
"""Rows read at a time; fewer cost round trips, more hold the event loop longer."""


class PredictionSetNotFoundError(PermanentError):
    """No prediction set has this id."""

    slug: ClassVar[str] = "prediction-set-not-found"
    status: ClassVar[int] = 404


@dataclass(frozen=True, slots=True)
class PredictionSet:
    """A set of predictions, the ontology that its terms are of, and what they were made from.

    Attributes
    ----------
    annotation_set_id
        Annotations that they were transferred from.
    mapping
        Release of the InterPro2GO mapping that they read; ``None`` for none.
    """

    id: UUID
    status: PredictionSetStatus
    ontology: OntologyRelease
    annotation_set_id: UUID
    scoring_config_id: UUID | None
    mapping: str | None


class PredictionStore:
    """Tables ``prediction_set`` and ``go_prediction``, which the predictor writes."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, prediction_set_id: UUID) -> PredictionSet:
        """Read a prediction set without its predictions.

        Raises
        ------
        PredictionSetNotFoundError
            If there is none.
        """
        row = (
            await self._session.execute(
                select_release()
                .join(PredictionSetRow, PredictionSetRow.ontology_snapshot_id == OntologySnapshot.id)
                .add_columns(
                    PredictionSetRow.status,
                    PredictionSetRow.annotation_set_id,
                    PredictionSetRow.scoring_config_id,
                    PredictionSetRow.meta,
                )
                .where(PredictionSetRow.id == prediction_set_id)
            )
        ).one_or_none()
        if row is None:
            raise PredictionSetNotFoundError(
                f"There is no prediction set {prediction_set_id}; predict first (operation predict_go_terms)."
            )
        release = OntologyRelease(row.id, row.obo_version, row.obo_sha256)
        return PredictionSet(
            prediction_set_id,
            row.status,
            release,
            row.annotation_set_id,
            row.scoring_config_id,
            _mapping_of(row.meta or {}),
        )

    async def scored(self, prediction_set_id: UUID, *, accessions: Sequence[str]) -> ScoredTerms:
        """Read protein, term and score of the predictions for some proteins, in any order."""
        return await read_scored_terms(self._session, prediction_set_id, accessions)

    async def term_names(self, ontology_snapshot_id: UUID) -> dict[int, str]:
        """Read the GO identifier of each term of an ontology by its database id."""
        statement = select(GOTerm.id, GOTerm.go_id).where(GOTerm.ontology_snapshot_id == ontology_snapshot_id)
        stream = await self._session.stream(statement)
        return {term_id: go_id async for rows in stream.partitions(_ROWS_PER_FETCH) for term_id, go_id in rows}


def _mapping_of(receipt: Mapping[str, Any]) -> str | None:
    """Find the mapping in the receipt of a prediction, or of the baseline that is nothing but one."""
    if receipt.get("baseline") == "interpro":
        return str(receipt["source_version"])
    interpro = receipt.get("interpro")
    return None if interpro is None else str(interpro["mapping"])
