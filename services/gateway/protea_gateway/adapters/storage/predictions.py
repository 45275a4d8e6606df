"""Prediction sets, and the predictions in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, SQLColumnExpression, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import (
    ACTIVE_STATUSES,
    AnnotationSet,
    EmbeddingConfig,
    GOPrediction,
    GOPredictionFeatures,
    GOTerm,
    Job,
    OntologySnapshot,
    PredictionSet,
    PredictionSetStatus,
)
from protea_common.stored_predictions import predictions_of
from protea_gateway.adapters.storage.lookup import find
from protea_gateway.domain.errors import ConflictError, NotFoundError

__all__ = ["TSV_COLUMNS", "PredictionFilter", "PredictionSetView", "PredictionStore", "ProteinSummary"]

BLOCK_ROWS: Final = 1_000
"""Rows fetched at a time for a download: fewer cost round trips, more cost memory for every reader."""

_RAREST_FIRST: Final = GOPredictionFeatures.go_term_frequency.asc().nulls_last()
_BY_TERM: Final = GOTerm.go_id.collate("C")


def _predicted(of_set: type[GOPrediction]) -> tuple[SQLColumnExpression[Any], ...]:
    """Columns of the table of predictions, of the predictions of a set as `predictions_of` gives them."""
    return (
        of_set.protein_accession,
        GOTerm.go_id,
        GOTerm.name.label("go_name"),
        GOTerm.aspect.label("go_aspect"),
        of_set.score,
        of_set.distance,
        of_set.ref_protein_accession,
        of_set.qualifier,
        of_set.evidence_code,
        of_set.vote_count,
        of_set.k_position,
        GOPredictionFeatures.go_term_frequency,
        GOPredictionFeatures.ref_annotation_density,
        GOPredictionFeatures.neighbor_distance_std,
        GOPredictionFeatures.neighbor_vote_fraction,
        GOPredictionFeatures.neighbor_min_distance,
        GOPredictionFeatures.neighbor_mean_distance,
        of_set.same_sequence,
    )


def _best_first(of_set: type[GOPrediction]) -> tuple[SQLColumnExpression[Any], ...]:
    """Order by protein, then score; whatever the server's locale, files of the same predictions are the same bytes."""
    return of_set.protein_accession.collate("C"), of_set.score.desc()


TSV_COLUMNS: Final = tuple(select(*_predicted(GOPrediction)).selected_columns.keys())
"""Header of the table of predictions."""


@dataclass(frozen=True, slots=True)
class PredictionFilter:
    """Which predictions a download holds; ``None`` for any.

    Attributes
    ----------
    aspect
        Letter of the aspect: F, P or C.
    max_distance
        Of the nearest donor.
    min_score
        In [0, 1].
    """

    accession: str | None = None
    aspect: str | None = None
    max_distance: float | None = None
    min_score: float | None = None

    def narrow(self, query: Select[*tuple[Any, ...]], of_set: type[GOPrediction]) -> Select[*tuple[Any, ...]]:
        """Add the conditions to a query over the predictions of a set and their terms."""
        if self.accession is not None:
            query = query.where(of_set.protein_accession == self.accession)
        if self.aspect is not None:
            query = query.where(GOTerm.aspect == self.aspect)
        if self.max_distance is not None:
            query = query.where(of_set.distance <= self.max_distance)
        if self.min_score is not None:
            query = query.where(of_set.score >= self.min_score)
        return query


@dataclass(frozen=True, slots=True)
class PredictionSetView:
    """A prediction set with the names of what it was made from."""

    id: UUID
    status: PredictionSetStatus
    embedding_config_id: UUID | None
    embedding_config_name: str | None
    annotation_set_id: UUID
    annotation_set_label: str
    ontology_snapshot_id: UUID
    ontology_snapshot_version: str
    query_set_id: UUID | None
    scoring_config_id: UUID | None
    job_id: UUID | None
    limit_per_entry: int
    distance_threshold: float | None
    prediction_count: int
    meta: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ProteinSummary:
    """What was predicted for one protein, in numbers."""

    accession: str
    go_count: int
    max_score: float
    min_distance: float | None


class PredictionStore:
    """Reads predictions, and deletes whole sets."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, *, limit: int, offset: int) -> Sequence[PredictionSetView]:
        """List sets, newest first."""
        query = _views().order_by(PredictionSet.created_at.desc(), PredictionSet.id).limit(limit).offset(offset)
        return [PredictionSetView(*row) for row in await self._session.execute(query)]

    async def get(self, set_id: UUID) -> PredictionSetView:
        """Read a set, or raise `NotFoundError`."""
        row = (await self._session.execute(_views().where(PredictionSet.id == set_id))).one_or_none()
        if row is None:
            raise NotFoundError("prediction set", set_id)
        return PredictionSetView(*row)

    async def proteins(self, set_id: UUID, *, search: str | None, limit: int, offset: int) -> Sequence[ProteinSummary]:
        """List the proteins of a set that have predictions, by accession."""
        of_set = predictions_of(set_id)
        protein = of_set.protein_accession
        query = select(protein, func.count(), func.max(of_set.score), func.min(of_set.distance))
        if search is not None:
            query = query.where(protein.icontains(search, autoescape=True))
        rows = await self._session.execute(query.group_by(protein).order_by(protein).limit(limit).offset(offset))
        return [ProteinSummary(*row) for row in rows]

    async def of_protein(self, set_id: UUID, accession: str) -> Sequence[dict[str, Any]]:
        """Read all that was predicted for a protein, best first, with every feature that was computed."""
        of_set = predictions_of(set_id)
        query = (
            select(of_set, GOPredictionFeatures, GOTerm.go_id, GOTerm.name, GOTerm.aspect)
            .join(GOTerm, GOTerm.id == of_set.go_term_id)
            .outerjoin(GOPredictionFeatures, GOPredictionFeatures.prediction_id == of_set.id)
            .where(of_set.protein_accession == accession)
            .order_by(of_set.score.desc(), _RAREST_FIRST, _BY_TERM)
        )
        return [_with_features(*row) for row in await self._session.execute(query)]

    async def delete(self, set_id: UUID) -> int:
        """Delete a set with its predictions and evaluation results; give how many predictions it had.

        Raises
        ------
        ConflictError
            If a job still writes to it.
        """
        found = await find(self._session, PredictionSet, set_id)
        writing = select(Job.id).where(Job.id == found.job_id, Job.status.in_(ACTIVE_STATUSES))
        if found.status is PredictionSetStatus.GENERATING and await self._session.scalar(writing):
            raise ConflictError(f"The prediction set {set_id} is still being made; cancel job {found.job_id} first.")
        await self._session.execute(delete(PredictionSet).where(PredictionSet.id == set_id))
        return found.prediction_count

    def table(self, set_id: UUID, wanted: PredictionFilter) -> AsyncIterator[Sequence[Row[Any]]]:
        """Read the predictions of a set by protein, then best first, in blocks with the columns of `TSV_COLUMNS`.

        Of terms with the same score the rarest comes first: a term before those above it, which can say no more.
        """
        of_set = predictions_of(set_id)
        features = GOPredictionFeatures.prediction_id == of_set.id
        query = _with_terms(of_set, _predicted(of_set)).outerjoin(GOPredictionFeatures, features)
        return self._blocks(wanted.narrow(query, of_set).order_by(*_best_first(of_set), _RAREST_FIRST, _BY_TERM))

    def scores(self, set_id: UUID, wanted: PredictionFilter) -> AsyncIterator[Sequence[Row[tuple[str, str, float]]]]:
        """Read accession, term and score of the same predictions, by protein, then best first."""
        of_set = predictions_of(set_id)
        query = _with_terms(of_set, (of_set.protein_accession, GOTerm.go_id, of_set.score))
        return self._blocks(wanted.narrow(query, of_set).order_by(*_best_first(of_set), _BY_TERM))

    async def _blocks(self, query: Select[*tuple[Any, ...]]) -> AsyncIterator[Sequence[Row[Any]]]:
        result = await self._session.stream(query.execution_options(yield_per=BLOCK_ROWS))
        async for rows in result.partitions():
            yield rows


def _with_terms(of_set: type[GOPrediction], columns: Sequence[SQLColumnExpression[Any]]) -> Select[*tuple[Any, ...]]:
    return select(*columns).select_from(of_set).join(GOTerm, GOTerm.id == of_set.go_term_id)


def _views() -> Select[*tuple[Any, ...]]:
    return (
        select(
            PredictionSet.id,
            PredictionSet.status,
            PredictionSet.embedding_config_id,
            func.coalesce(EmbeddingConfig.display_name, EmbeddingConfig.model_name),
            PredictionSet.annotation_set_id,
            func.concat_ws(" ", AnnotationSet.source, AnnotationSet.source_version),
            PredictionSet.ontology_snapshot_id,
            OntologySnapshot.obo_version,
            PredictionSet.query_set_id,
            PredictionSet.scoring_config_id,
            PredictionSet.job_id,
            PredictionSet.limit_per_entry,
            PredictionSet.distance_threshold,
            PredictionSet.prediction_count,
            PredictionSet.meta,
            PredictionSet.created_at,
        )
        .outerjoin(EmbeddingConfig, EmbeddingConfig.id == PredictionSet.embedding_config_id)
        .join(AnnotationSet, AnnotationSet.id == PredictionSet.annotation_set_id)
        .join(OntologySnapshot, OntologySnapshot.id == PredictionSet.ontology_snapshot_id)
    )


def _with_features(
    prediction: GOPrediction, features: GOPredictionFeatures | None, go_id: str, name: str | None, aspect: str | None
) -> dict[str, Any]:
    own = {column.key: getattr(prediction, column.key) for column in GOPrediction.__table__.columns}
    computed = (
        {}
        if features is None
        else {column.key: getattr(features, column.key) for column in GOPredictionFeatures.__table__.columns}
    )
    return {
        **own,
        "go_id": go_id,
        "go_name": name,
        "go_aspect": aspect,
        "features": {name: value for name, value in computed.items() if value is not None and name != "prediction_id"},
    }
