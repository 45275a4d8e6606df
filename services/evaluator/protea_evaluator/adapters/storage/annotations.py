"""Annotation sets and their annotations, which ingest writes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.domain.evidence import EVIDENCE_CODE_GROUPS, EXPERIMENTAL_CODES
from protea_common.errors import PermanentError
from protea_common.orm import AnnotationSet as AnnotationSetRow
from protea_common.orm import GOTerm, OntologySnapshot, ProteinGOAnnotation
from protea_evaluator.adapters.storage.releases import OntologyNotFoundError, OntologyRelease, select_release

__all__ = ["AnnotationSet", "AnnotationSetNotFoundError", "AnnotationStore"]

_ROWS_PER_FETCH = 5_000
"""Rows read at a time; fewer cost round trips, more hold the event loop longer."""


_ALL_CODES = frozenset(chain.from_iterable(EVIDENCE_CODE_GROUPS.values()))


class AnnotationSetNotFoundError(PermanentError):
    """No annotation set has this id."""

    slug: ClassVar[str] = "annotation-set-not-found"
    status: ClassVar[int] = 404


@dataclass(frozen=True, slots=True)
class AnnotationSet:
    """A loaded set of annotations, and the ontology that it was read with."""

    id: UUID
    ontology: OntologyRelease


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
                select_release()
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
        statement = select_release().where(OntologySnapshot.id == ontology_snapshot_id)
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
