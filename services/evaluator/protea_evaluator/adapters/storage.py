"""All SQL of the evaluator: annotations and predictions to read, evaluation sets and results to write."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import func, insert, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from protea_common.domain.evidence import EVIDENCE_CODE_GROUPS, EXPERIMENTAL_CODES
from protea_common.errors import PermanentError
from protea_common.orm import AnnotationSet as AnnotationSetRow
from protea_common.orm import EvaluationResult as EvaluationResultRow
from protea_common.orm import EvaluationSet as EvaluationSetRow
from protea_common.orm import GOTerm, OntologySnapshot, PredictionSetStatus, ProteinGOAnnotation
from protea_common.orm import PredictionSet as PredictionSetRow
from protea_common.scored_terms import ScoredTerms, read_scored_terms

__all__ = [
    "AnnotationSet",
    "AnnotationSetNotFoundError",
    "AnnotationStore",
    "EvaluationResult",
    "EvaluationResultNotFoundError",
    "EvaluationResultStore",
    "EvaluationSet",
    "EvaluationSetNotFoundError",
    "EvaluationSetStore",
    "OntologyNotFoundError",
    "OntologyRelease",
    "PredictionSet",
    "PredictionSetNotFoundError",
    "PredictionStore",
]

_ROWS_PER_FETCH = 5_000
"""Rows read at a time; fewer cost round trips, more hold the event loop longer."""

_ALL_CODES = frozenset(chain.from_iterable(EVIDENCE_CODE_GROUPS.values()))


class AnnotationSetNotFoundError(PermanentError):
    """No annotation set has this id."""

    slug: ClassVar[str] = "annotation-set-not-found"
    status: ClassVar[int] = 404


class OntologyNotFoundError(PermanentError):
    """No ontology has this id."""

    slug: ClassVar[str] = "ontology-not-found"
    status: ClassVar[int] = 404


class EvaluationSetNotFoundError(PermanentError):
    """No evaluation set has this id."""

    slug: ClassVar[str] = "evaluation-set-not-found"
    status: ClassVar[int] = 404


class EvaluationResultNotFoundError(PermanentError):
    """No evaluation result has this id."""

    slug: ClassVar[str] = "evaluation-result-not-found"
    status: ClassVar[int] = 404


class PredictionSetNotFoundError(PermanentError):
    """No prediction set has this id."""

    slug: ClassVar[str] = "prediction-set-not-found"
    status: ClassVar[int] = 404


@dataclass(frozen=True, slots=True)
class OntologyRelease:
    """A loaded release of the Gene Ontology.

    Attributes
    ----------
    id
        Its snapshot.
    version
        As the release calls itself, for people.
    sha256
        Digest of its file, decompressed.
    """

    id: UUID
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class AnnotationSet:
    """A loaded set of annotations, and the ontology that it was read with."""

    id: UUID
    ontology: OntologyRelease


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


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """How a prediction set did on an evaluation set; for ``results`` and ``evaluator`` see the table."""

    id: UUID
    evaluation_set_id: UUID
    prediction_set_id: UUID
    scoring_config_id: UUID | None
    results: Mapping[str, Any]
    evaluator: Mapping[str, Any]


class AnnotationStore:
    """Tables ``annotation_set`` and ``protein_go_annotation``, which ingest writes."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, annotation_set_id: UUID) -> AnnotationSet:
        """Read an annotation set without its annotations.

        Raises
        ------
        AnnotationSetNotFoundError
            If there is none.
        """
        row = (
            await self._session.execute(
                _select_release()
                .join(AnnotationSetRow, AnnotationSetRow.ontology_snapshot_id == OntologySnapshot.id)
                .where(AnnotationSetRow.id == annotation_set_id)
            )
        ).one_or_none()
        if row is None:
            raise AnnotationSetNotFoundError(
                f"There is no annotation set {annotation_set_id}; load it first, or choose one that exists."
            )
        return AnnotationSet(annotation_set_id, OntologyRelease(*row))

    async def get_release(self, ontology_snapshot_id: UUID) -> OntologyRelease:
        """Read an ontology without its terms.

        Raises
        ------
        OntologyNotFoundError
            If there is none.
        """
        statement = _select_release().where(OntologySnapshot.id == ontology_snapshot_id)
        row = (await self._session.execute(statement)).one_or_none()
        if row is None:
            raise OntologyNotFoundError(
                f"There is no ontology {ontology_snapshot_id}; load it first (operation load_ontology_snapshot)."
            )
        return OntologyRelease(*row)

    async def rows(
        self, annotation_set_id: UUID, *, codes: frozenset[str] = EXPERIMENTAL_CODES
    ) -> list[tuple[str, str, str, str | None]]:
        """Read accession, GO identifier, evidence code and qualifier of the annotations that may count.

        The qualifier is ``NOT`` or nothing. Annotations that are neither negated nor of the evidence that counts stay
        in the database: experiments are one in ten, and no evaluation looks at more.
        """
        evidence_code = func.coalesce(ProteinGOAnnotation.evidence_code, "")
        statement = (
            select(ProteinGOAnnotation.protein_accession, GOTerm.go_id, evidence_code, ProteinGOAnnotation.is_negated)
            .join(GOTerm, GOTerm.id == ProteinGOAnnotation.go_term_id)
            .where(
                ProteinGOAnnotation.annotation_set_id == annotation_set_id,
                or_(ProteinGOAnnotation.is_negated, evidence_code.not_in(_ALL_CODES - codes)),
            )
        )
        stream = await self._session.stream(statement)
        # Interned: one string for each identifier and not for each row, of which there may be millions.
        return [
            (sys.intern(accession), sys.intern(go_id), sys.intern(code), "NOT" if is_negated else None)
            async for rows in stream.partitions(_ROWS_PER_FETCH)
            for accession, go_id, code, is_negated in rows
        ]


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
                _select_release()
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
                _select_release()
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


class EvaluationResultStore:
    """Table ``evaluation_result``."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, evaluation_result_id: UUID) -> EvaluationResult:
        """Read a result.

        Raises
        ------
        EvaluationResultNotFoundError
            If there is none.
        """
        row = await self._session.get(EvaluationResultRow, evaluation_result_id)
        if row is None:
            raise EvaluationResultNotFoundError(
                f"There is no evaluation result {evaluation_result_id}; measure first (operation run_cafa_evaluation)."
            )
        return EvaluationResult(
            id=row.id,
            evaluation_set_id=row.evaluation_set_id,
            prediction_set_id=row.prediction_set_id,
            scoring_config_id=row.scoring_config_id,
            results=row.results,
            evaluator=row.evaluator,
        )

    async def add(self, new: EvaluationResult, *, job_id: UUID) -> None:
        """Write a result; one that is there already stays as it is."""
        await self._session.execute(
            upsert(EvaluationResultRow)
            .values(
                id=new.id,
                evaluation_set_id=new.evaluation_set_id,
                prediction_set_id=new.prediction_set_id,
                scoring_config_id=new.scoring_config_id,
                job_id=job_id,
                results=dict(new.results),
                evaluator=dict(new.evaluator),
            )
            .on_conflict_do_nothing(index_elements=[EvaluationResultRow.id])
        )


def _select_release() -> Any:
    return select(OntologySnapshot.id, OntologySnapshot.obo_version, OntologySnapshot.obo_sha256)


def _mapping_of(receipt: Mapping[str, Any]) -> str | None:
    """Find the mapping in the receipt of a prediction, or of the baseline that is nothing but one."""
    if receipt.get("baseline") == "interpro":
        return str(receipt["source_version"])
    interpro = receipt.get("interpro")
    return None if interpro is None else str(interpro["mapping"])
