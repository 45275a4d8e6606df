"""What experiments had shown of proteins in an annotation set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import chain
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import ARRAY, Select, Text, any_, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.domain.evidence import EVIDENCE_CODE_GROUPS, EXPERIMENTAL_CODES, is_experimental
from protea_common.orm import ProteinGOAnnotation
from protea_predictor.adapters.storage.annotation_dates import dated_until
from protea_predictor.domain.reference_bank import ReferenceProteins
from protea_predictor.domain.reranking.knowledge import StatedTerms
from protea_predictor.domain.stored_ontology import StoredOntology

__all__ = ["KnowledgeStore"]

_ROWS_PER_FETCH = 5_000
"""Rows read at a time; fewer cost round trips, more hold the event loop longer."""

_NOT_EXPERIMENTAL = frozenset(chain.from_iterable(EVIDENCE_CODE_GROUPS.values())) - EXPERIMENTAL_CODES


class KnowledgeStore:
    """Table ``protein_go_annotation``, which ingest writes."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def of_proteins(
        self, annotation_set_id: UUID, accessions: Sequence[str], *, ontology: StoredOntology
    ) -> StatedTerms:
        """Read what is stated of some proteins, numbered by their position; unknown ones have nothing."""
        row_of = {accession: row for row, accession in enumerate(accessions)}
        wanted = ProteinGOAnnotation.protein_accession == any_(cast(list(accessions), ARRAY(Text)))
        return await self._read(_statements(annotation_set_id).where(wanted), row_of, ontology)

    async def of_everyone(self, annotation_set_id: UUID, *, ontology: StoredOntology) -> StatedTerms:
        """Read what is stated of all proteins, numbered as they come."""
        return await self._read(_statements(annotation_set_id), {}, ontology)

    async def of_references(
        self, annotation_set_id: UUID, proteins: ReferenceProteins, *, ontology: StoredOntology, until: date
    ) -> StatedTerms:
        """Read what was stated of references until a day, numbered as they are; later and undated rows are left out."""
        row_of = {accession.decode(): row for row, accession in enumerate(proteins.accessions)}
        statement = _statements(annotation_set_id).where(*dated_until(until))
        stated = await self._read(statement, row_of, ontology)
        is_reference = stated.protein_row < len(proteins)
        return StatedTerms(
            stated.protein_row[is_reference], stated.term_row[is_reference], stated.is_negated[is_reference]
        )

    async def _read(
        self, statement: Select[*tuple[Any, ...]], row_of: dict[str, int], ontology: StoredOntology
    ) -> StatedTerms:
        proteins: list[int] = []
        term_ids: list[int] = []
        negated: list[bool] = []
        stream = await self._session.stream(statement)
        async for rows in stream.partitions(_ROWS_PER_FETCH):
            for accession, term_id, code, is_negated in rows:
                if is_negated or is_experimental(code):
                    proteins.append(row_of.setdefault(accession, len(row_of)))
                    term_ids.append(term_id)
                    negated.append(is_negated)
        terms = ontology.rows_of(np.array(term_ids, dtype=np.int64))
        is_live = terms >= 0
        return StatedTerms(
            protein_row=np.array(proteins, dtype=np.int64)[is_live],
            term_row=terms[is_live],
            is_negated=np.array(negated, dtype=np.bool_)[is_live],
        )


def _statements(annotation_set_id: UUID) -> Select[*tuple[Any, ...]]:
    """Select the annotations that may say something: nine in ten are neither experimental nor negated."""
    code = func.coalesce(ProteinGOAnnotation.evidence_code, "")
    return select(
        ProteinGOAnnotation.protein_accession, ProteinGOAnnotation.go_term_id, code, ProteinGOAnnotation.is_negated
    ).where(
        ProteinGOAnnotation.annotation_set_id == annotation_set_id,
        or_(ProteinGOAnnotation.is_negated, code.not_in(_NOT_EXPERIMENTAL)),
    )
