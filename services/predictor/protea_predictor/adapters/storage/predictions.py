"""Tables ``prediction_set``, ``go_prediction`` with its features, and ``predicted_scores``: the predictor's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db import copy_binary, copy_rows
from protea_common.orm import (
    GOPrediction,
    GOPredictionFeatures,
    JobBatch,
    PredictedScores,
    PredictionSet,
    PredictionSetStatus,
)
from protea_predictor.adapters.prediction_rows import (
    feature_columns,
    feature_rows,
    prediction_columns,
    prediction_rows,
    score_lists,
)
from protea_predictor.adapters.score_lists import SCORE_COLUMNS, pack_lists
from protea_predictor.adapters.storage.inputs import NotFoundError
from protea_predictor.domain.prediction import Prediction, Queries
from protea_predictor.domain.reference_bank import ReferenceBank
from protea_predictor.domain.scored_pairs import ScoredPairs
from protea_predictor.domain.stored_ontology import StoredOntology

__all__ = ["JobTotals", "NewPredictionSet", "PredictionStore", "StoredPredictions"]

# Materialized: asked for each row, the sequence's name takes eight times as long as its next value.
_TAKE_IDS = text("""
    WITH ids AS MATERIALIZED (SELECT pg_get_serial_sequence('go_prediction', 'id')::regclass AS sequence)
    SELECT array_agg(nextval(ids.sequence)) FROM ids, generate_series(1, :count)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPredictionSet:
    """Columns of a prediction set that is begun."""

    id: UUID
    embedding_config_id: UUID | None
    annotation_set_id: UUID
    ontology_snapshot_id: UUID
    query_set_id: UUID | None
    scoring_config_id: UUID | None
    job_id: UUID
    limit_per_entry: int
    distance_threshold: float | None
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredPredictions:
    """A prediction set as those see it who read it again.

    Attributes
    ----------
    is_complete
        Whether all its rows are there.
    embedding_config_id, query_set_id, scoring_config_id
        ``None`` where there was none or it is gone.
    receipt
        How it was made.
    """

    id: UUID
    is_complete: bool
    embedding_config_id: UUID | None
    annotation_set_id: UUID
    ontology_snapshot_id: UUID
    query_set_id: UUID | None
    scoring_config_id: UUID | None
    limit_per_entry: int
    distance_threshold: float | None
    receipt: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JobTotals:
    """What the batches of a job came to.

    Attributes
    ----------
    batches
        All of the job's batches.
    queries
        Proteins answered.
    predictions
        Rows written.
    """

    batches: int
    queries: int
    predictions: int


class PredictionStore:
    """A set is GENERATING until the transaction that writes its last rows; readers take only what is COMPLETE."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def read(self, prediction_set_id: UUID) -> StoredPredictions:
        """Read how a prediction set was made.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        columns: tuple[Any, ...] = (
            PredictionSet.id,
            PredictionSet.status == PredictionSetStatus.COMPLETE,
            PredictionSet.embedding_config_id,
            PredictionSet.annotation_set_id,
            PredictionSet.ontology_snapshot_id,
            PredictionSet.query_set_id,
            PredictionSet.scoring_config_id,
            PredictionSet.limit_per_entry,
            PredictionSet.distance_threshold,
            PredictionSet.meta,
        )
        row = (await self._session.execute(select(*columns).where(PredictionSet.id == prediction_set_id))).one_or_none()
        if row is None:
            raise NotFoundError("prediction set", prediction_set_id)
        return StoredPredictions(*row)

    async def begin(self, new: NewPredictionSet) -> None:
        """Add a set; one of the same id stays as it is."""
        await self._session.execute(upsert(PredictionSet).values(**asdict(new)).on_conflict_do_nothing())

    async def hold(self, prediction_set_id: UUID) -> None:
        """Keep a set from being deleted until the commit.

        Raises
        ------
        NotFoundError
            If it was deleted already.
        """
        statement = select(PredictionSet.id).where(PredictionSet.id == prediction_set_id)
        if await self._session.scalar(statement.with_for_update(read=True, key_share=True)) is None:
            raise NotFoundError("prediction set", prediction_set_id)

    async def write(
        self,
        prediction: Prediction,
        *,
        prediction_set_id: UUID,
        queries: Queries,
        bank: ReferenceBank,
        ontology: StoredOntology,
    ) -> int:
        """Write the predictions kept and their features; give their number."""
        if len(prediction.kept) == 0:
            return 0
        ids = await self._session.scalar(_TAKE_IDS, {"count": len(prediction.kept)})
        rows = prediction_rows(
            prediction,
            prediction_set_id=prediction_set_id,
            queries=queries,
            bank=bank,
            ontology=ontology,
            ids=ids,
        )
        await copy_rows(self._session, GOPrediction.__tablename__, prediction_columns(prediction), rows)
        columns, features = feature_columns(prediction.frame), feature_rows(prediction, ids=ids)
        return await copy_rows(self._session, GOPredictionFeatures.__tablename__, columns, features)

    async def write_scores(
        self, pairs: ScoredPairs, *, prediction_set_id: UUID, accessions: Sequence[str], ontology: StoredOntology
    ) -> int:
        """Write pairs as lists of bare scores, without donors and features; give their number."""
        lists = score_lists(pairs, accessions=accessions, ontology=ontology)
        packed = pack_lists(lists, prediction_set_id=prediction_set_id)
        await copy_binary(self._session, PredictedScores.__tablename__, SCORE_COLUMNS, packed)
        return len(pairs)

    async def complete(self, prediction_set_id: UUID, *, prediction_count: int) -> None:
        """Let a set be read."""
        await self._session.execute(
            update(PredictionSet)
            .where(PredictionSet.id == prediction_set_id)
            .values(status=PredictionSetStatus.COMPLETE, prediction_count=prediction_count)
            .execution_options(synchronize_session=False)
        )

    async def totals(self, job_id: UUID) -> JobTotals:
        """Add up what the batches of a job counted."""
        counted = (
            func.coalesce(func.sum(JobBatch.counts[name].as_integer()), 0) for name in ("queries", "predictions")
        )
        row = (await self._session.execute(select(func.count(), *counted).where(JobBatch.job_id == job_id))).one()
        return JobTotals(*row)
