"""Evaluation sets: what was learnt between two annotation sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from protea_common.errors import PermanentError
from protea_common.orm import AnnotationSet as AnnotationSetRow
from protea_common.orm import EvaluationSet as EvaluationSetRow
from protea_common.orm import OntologySnapshot
from protea_evaluator.adapters.storage.releases import OntologyRelease, select_release

__all__ = ["EvaluationSet", "EvaluationSetNotFoundError", "EvaluationSetStore"]


class EvaluationSetNotFoundError(PermanentError):
    """No evaluation set has this id."""

    slug: ClassVar[str] = "evaluation-set-not-found"
    status: ClassVar[int] = 404


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """What was learnt between two annotation sets.

    Attributes
    ----------
    ontology
        In which they are compared: the pivot.
    native_ontology_ids
        Snapshots that the old and the new set were read with.
    drops_binding_only
        Whether protein binding is no truth where a protein gained nothing else in molecular function.
    """

    id: UUID
    old_annotation_set_id: UUID
    new_annotation_set_id: UUID
    ontology: OntologyRelease
    native_ontology_ids: tuple[UUID, UUID]
    stats: Mapping[str, int]
    window_role: str | None = None
    holdout_waiver: str | None = None
    drops_binding_only: bool = False

    @property
    def is_pivoted(self) -> bool:
        """Whether terms were mapped onto another ontology, and so are compared with all terms above them."""
        return any(native != self.ontology.id for native in self.native_ontology_ids)


class EvaluationSetStore:
    """Table ``evaluation_set``."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, evaluation_set_id: UUID) -> EvaluationSet:
        """Read an evaluation set.

        Raises
        ------
        EvaluationSetNotFoundError
            If there is none.
        """
        found = await self._find(EvaluationSetRow.id == evaluation_set_id)
        if found is None:
            raise EvaluationSetNotFoundError(
                f"There is no evaluation set {evaluation_set_id}; generate one (operation generate_evaluation_set)."
            )
        return found

    async def find(
        self, *, old_annotation_set_id: UUID, new_annotation_set_id: UUID, pivot_id: UUID, drops_binding_only: bool
    ) -> EvaluationSet | None:
        """Read the evaluation set of two annotation sets in one ontology by one rule; ``None`` if there is none yet."""
        return await self._find(
            EvaluationSetRow.old_annotation_set_id == old_annotation_set_id,
            EvaluationSetRow.new_annotation_set_id == new_annotation_set_id,
            EvaluationSetRow.pivot_snapshot_id == pivot_id,
            EvaluationSetRow.drops_binding_only == drops_binding_only,
        )

    async def add(self, new: EvaluationSet, *, groundtruth_uri: str, job_id: UUID) -> None:
        """Write an evaluation set."""
        await self._session.execute(
            insert(EvaluationSetRow).values(
                id=new.id,
                old_annotation_set_id=new.old_annotation_set_id,
                new_annotation_set_id=new.new_annotation_set_id,
                job_id=job_id,
                stats=dict(new.stats),
                window_role=new.window_role,
                holdout_waiver=new.holdout_waiver,
                pivot_snapshot_id=new.ontology.id,
                drops_binding_only=new.drops_binding_only,
                groundtruth_uri=groundtruth_uri,
            )
        )

    async def _find(self, *conditions: Any) -> EvaluationSet | None:
        old, new = aliased(AnnotationSetRow), aliased(AnnotationSetRow)
        row = (
            await self._session.execute(
                select_release()
                .join(EvaluationSetRow, EvaluationSetRow.pivot_snapshot_id == OntologySnapshot.id)
                .join(old, old.id == EvaluationSetRow.old_annotation_set_id)
                .join(new, new.id == EvaluationSetRow.new_annotation_set_id)
                .add_columns(
                    old.ontology_snapshot_id.label("old_native_id"),
                    new.ontology_snapshot_id.label("new_native_id"),
                    EvaluationSetRow.id.label("evaluation_set_id"),
                    EvaluationSetRow.old_annotation_set_id,
                    EvaluationSetRow.new_annotation_set_id,
                    EvaluationSetRow.stats,
                    EvaluationSetRow.window_role,
                    EvaluationSetRow.holdout_waiver,
                    EvaluationSetRow.drops_binding_only,
                )
                .where(*conditions)
            )
        ).one_or_none()
        if row is None:
            return None
        return EvaluationSet(
            id=row.evaluation_set_id,
            old_annotation_set_id=row.old_annotation_set_id,
            new_annotation_set_id=row.new_annotation_set_id,
            ontology=OntologyRelease(row.id, row.obo_version, row.obo_sha256),
            native_ontology_ids=(row.old_native_id, row.new_native_id),
            stats=row.stats,
            window_role=row.window_role,
            holdout_waiver=row.holdout_waiver,
            drops_binding_only=row.drops_binding_only,
        )
