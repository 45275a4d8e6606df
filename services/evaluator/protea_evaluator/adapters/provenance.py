"""What a measurement was made from, with digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.errors import PermanentError
from protea_common.orm import (
    AnnotationSet,
    EmbeddingConfig,
    EvaluationResult,
    EvaluationSet,
    GOTerm,
    Job,
    OntologySnapshot,
    PredictionSet,
    ScoringConfig,
)
from protea_common.stored_predictions import predictions_of
from protea_evaluator.domain.run_crate import Ingredient

__all__ = ["MeasuringJob", "ProvenanceStore", "UnknownJobError", "ingredients_of_receipt"]

_ROWS_PER_FETCH = 5_000


class UnknownJobError(PermanentError):
    """The job that made the result was deleted, and with it what it was asked for."""

    slug: ClassVar[str] = "job-of-result-unknown"
    status: ClassVar[int] = 409


@dataclass(frozen=True, slots=True)
class MeasuringJob:
    """The job that made a result."""

    operation: str
    payload: dict[str, Any]
    finished_at: datetime


class ProvenanceStore:
    """Reads where a result comes from."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def job(self, evaluation_result_id: UUID) -> MeasuringJob:
        """Read the job of a result.

        Raises
        ------
        UnknownJobError
            If it was deleted.
        """
        statement = (
            select(Job.operation, Job.payload, EvaluationResult.created_at)
            .join(EvaluationResult, EvaluationResult.job_id == Job.id)
            .where(EvaluationResult.id == evaluation_result_id)
        )
        row = (await self._session.execute(statement)).one_or_none()
        if row is None:
            raise UnknownJobError(f"The job of the result {evaluation_result_id} is gone; measure again.")
        return MeasuringJob(row.operation, row.payload, row.created_at)

    async def ingredients(self, evaluation_set_id: UUID, prediction_set_id: UUID) -> list[Ingredient]:
        """Read what went into a measurement: ontology, both annotation sets, predictions, and what made these."""
        evaluation_set = await self._session.get_one(EvaluationSet, evaluation_set_id)
        predictions = await self._session.get_one(PredictionSet, prediction_set_id)
        found = [
            await self._ontology(evaluation_set.pivot_snapshot_id),
            await self._annotations("#annotations-t0", evaluation_set.old_annotation_set_id),
            await self._annotations("#annotations-t1", evaluation_set.new_annotation_set_id),
            await self._predictions(predictions),
            *ingredients_of_receipt(predictions.meta),
        ]
        if predictions.embedding_config_id is not None:
            found.append(await self._encoder(predictions.embedding_config_id))
        if predictions.scoring_config_id is not None:
            found.append(await self._scoring(predictions.scoring_config_id))
        return found

    async def _ontology(self, snapshot_id: UUID) -> Ingredient:
        row = await self._session.get_one(OntologySnapshot, snapshot_id)
        return Ingredient("#ontology", f"Gene Ontology {row.obo_version}", row.obo_sha256, row.obo_url)

    async def _annotations(self, identifier: str, annotation_set_id: UUID) -> Ingredient:
        row = await self._session.get_one(AnnotationSet, annotation_set_id)
        cut = "" if row.annotated_before is None else f"only annotations dated before {row.annotated_before}"
        return Ingredient(identifier, f"{row.source} {row.source_version or row.id}", row.content_sha256, cut)

    async def _encoder(self, config_id: UUID) -> Ingredient:
        row = await self._session.get_one(EmbeddingConfig, config_id)
        return Ingredient("#encoder", row.model_name, row.weights_digest, f"embedding config {row.id}")

    async def _scoring(self, config_id: UUID) -> Ingredient:
        row = await self._session.get_one(ScoringConfig, config_id)
        by_cell = {} if row.cell_weights is None else {"cells": row.cell_weights}
        weights = json.dumps(row.weights | by_cell, sort_keys=True)
        missing = "" if row.missing == "skip" else f", a missing signal is {row.missing}"
        return Ingredient("#scoring", f"{row.name} ({row.formula}{missing})", None, weights)

    async def _predictions(self, row: PredictionSet) -> Ingredient:
        """Give the predictions' digest: of lines of protein, term and score, sorted by the first two."""
        found = predictions_of(row.id)
        statement = (
            select(found.protein_accession, GOTerm.go_id, found.score)
            .join(GOTerm, GOTerm.id == found.go_term_id)
            .order_by(found.protein_accession, GOTerm.go_id)
        )
        digest = hashlib.sha256()
        stream = await self._session.stream(statement)
        async for rows in stream.partitions(_ROWS_PER_FETCH):
            digest.update("".join(f"{name}\t{go_id}\t{score!r}\n" for name, go_id, score in rows).encode())
        receipt = json.dumps(row.meta, sort_keys=True)
        return Ingredient("#predictions", f"prediction set {row.id}", digest.hexdigest(), receipt)


def ingredients_of_receipt(receipt: Mapping[str, Any]) -> list[Ingredient]:
    """Read the boosters and the calibration that scored, with the digests of their files, and what was scored anew."""
    models = (receipt.get("reranking") or {}).get("models", [])
    found = [
        Ingredient(f"#booster-{each['id']}", f"{each['name']} ({each['cell']})", each["model_sha256"])
        for each in models
    ]
    calibration = receipt.get("calibration")
    if calibration is not None:
        found.append(Ingredient("#calibration", f"calibration {calibration['id']}", calibration["content_sha256"]))
    source = receipt.get("rescored_from")
    if source is not None:
        name, told = f"prediction set {source['prediction_set_id']}", json.dumps(source, sort_keys=True)
        found.append(Ingredient("#rescored-from", name, None, told))
    return found
