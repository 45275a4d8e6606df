"""What baselines read beside annotations, and the prediction sets that they write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, cast, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db import copy_rows
from protea_common.orm import (
    AnnotationSet,
    GOTerm,
    InterProAnnotation,
    InterProGoMapping,
    PredictionSet,
    PredictionSetStatus,
    Protein,
    ProteinGOAnnotation,
)

__all__ = ["BaselineStore", "ElectronicCounts", "NewBaseline"]

_ELECTRONIC = "IEA"


@dataclass(frozen=True, slots=True)
class NewBaseline:
    """A prediction set that no embedding took part in."""

    id: UUID
    annotation_set_id: UUID
    ontology_snapshot_id: UUID
    prediction_count: int
    meta: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ElectronicCounts:
    """Electronic annotations on both sides of a window, and whether t0 was cut out of a later file by date."""

    at_t0: int
    at_t1: int
    cut_at: date | None


class BaselineStore:
    """Reads signatures and electronic annotations; writes prediction sets."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def signature_terms(self, accessions: Sequence[str], *, source_version: str) -> list[tuple[str, str]]:
        """Read protein and GO identifier of what the signatures found on some proteins imply, each pair once."""
        statement = (
            select(Protein.accession, InterProGoMapping.go_id)
            .join(InterProAnnotation, InterProAnnotation.sequence_id == Protein.sequence_id)
            .join(InterProGoMapping, InterProGoMapping.ipr_accession == InterProAnnotation.accession)
            .where(
                InterProGoMapping.source_version == source_version,
                Protein.accession == any_(cast(list(accessions), ARRAY(Text))),
            )
            .distinct()
        )
        return [(accession, go_id) for accession, go_id in await self._session.execute(statement)]

    async def electronic_terms(self, annotation_set_id: UUID, accessions: Sequence[str]) -> list[tuple[str, str]]:
        """Read protein and GO identifier of the electronic annotations of some proteins."""
        statement = (
            select(ProteinGOAnnotation.protein_accession, GOTerm.go_id)
            .join(GOTerm, GOTerm.id == ProteinGOAnnotation.go_term_id)
            .where(
                ProteinGOAnnotation.annotation_set_id == annotation_set_id,
                ProteinGOAnnotation.evidence_code == _ELECTRONIC,
                ~ProteinGOAnnotation.is_negated,
                ProteinGOAnnotation.protein_accession == any_(cast(list(accessions), ARRAY(Text))),
            )
        )
        return [(accession, go_id) for accession, go_id in await self._session.execute(statement)]

    async def count_electronic(self, old: UUID, new: UUID) -> ElectronicCounts:
        """Count the electronic annotations of both sets of a window."""
        annotated_before = select(AnnotationSet.annotated_before).where(AnnotationSet.id == old)
        return ElectronicCounts(
            await self._electronic(old), await self._electronic(new), await self._session.scalar(annotated_before)
        )

    async def _electronic(self, annotation_set_id: UUID) -> int:
        statement = select(func.count()).where(
            ProteinGOAnnotation.annotation_set_id == annotation_set_id,
            ProteinGOAnnotation.evidence_code == _ELECTRONIC,
        )
        return await self._session.scalar(statement) or 0

    async def add(self, new: NewBaseline, *, job_id: UUID) -> None:
        """Write a prediction set, whose rows follow in the same transaction."""
        await self._session.execute(
            insert(PredictionSet).values(
                id=new.id,
                status=PredictionSetStatus.COMPLETE,
                annotation_set_id=new.annotation_set_id,
                ontology_snapshot_id=new.ontology_snapshot_id,
                job_id=job_id,
                limit_per_entry=0,
                prediction_count=new.prediction_count,
                meta=new.meta,
            )
        )

    async def copy(self, set_id: UUID, rows: Iterable[tuple[str, int, float]]) -> None:
        """Write some of its rows: protein, term's id and score."""
        columns = ("prediction_set_id", "protein_accession", "go_term_id", "score")
        await copy_rows(self._session, "go_prediction", columns, ((set_id, *row) for row in rows))

    async def term_ids(self, ontology_snapshot_id: UUID) -> dict[str, int]:
        """Read the id of each term of a release by its GO identifier."""
        statement = select(GOTerm.go_id, GOTerm.id).where(GOTerm.ontology_snapshot_id == ontology_snapshot_id)
        rows = await self._session.execute(statement)
        return {row.go_id: row.id for row in rows}
