"""The reference proteins of a selection, their annotations and their vectors, which other services write."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, Row, Select, Text, cast, distinct, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db import read_binary
from protea_common.domain.ontology import ASPECTS, parse_aspect
from protea_common.orm import GOTerm, Protein, ProteinGOAnnotation, SequenceEmbedding
from protea_common.orm import Sequence as SequenceRow
from protea_predictor.adapters.storage.annotation_dates import dated_until
from protea_predictor.adapters.vector_stream import VectorSink, VectorStream
from protea_predictor.domain.annotation_rows import AnnotationRows, Vocabulary
from protea_predictor.domain.features.taxonomy import UNKNOWN_TAXON
from protea_predictor.domain.reference_bank import ReferenceProteins, ReferenceSelection, ReferenceVersion
from protea_predictor.domain.stored_ontology import StoredOntology

__all__ = ["ReferenceStore", "freeze_snapshot", "whole_vectors"]

_ROWS_PER_FETCH = 5_000
"""Rows read at a time; fewer cost round trips, more hold the event loop longer."""


async def freeze_snapshot(session: AsyncSession) -> None:
    """Let all that a transaction reads be of one moment, and write nothing; call it before anything else."""
    await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))


def whole_vectors(embedding_config_id: UUID) -> ColumnElement[bool]:
    """Vectors of whole sequences under a recipe; those of chunks stand for parts and are not compared."""
    return (SequenceEmbedding.embedding_config_id == embedding_config_id) & SequenceEmbedding.chunk_index_e.is_(None)


class ReferenceStore:
    """Reads references; all calls for one bank belong into one transaction with a frozen snapshot."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def version(
        self, selection: ReferenceSelection, *, newest_embedding_id: int | None = None
    ) -> ReferenceVersion | None:
        """Describe what a selection holds; ``None`` if that is nothing.

        Parameters
        ----------
        selection
            Which proteins.
        newest_embedding_id
            Look at no later embedding.
        """
        written = func.extract("epoch", SequenceEmbedding.created_at)
        identity = func.concat_ws(" ", Protein.accession, SequenceEmbedding.id, written, Protein.taxonomy_id)
        statement = _members(
            selection,
            newest_embedding_id,
            func.count(),
            func.max(SequenceEmbedding.id),
            cast(func.sum(func.hashtextextended(identity, 0)), Text),
            func.max(SequenceEmbedding.embedding_dim),
        )
        references, newest, fingerprint, dimension = (await self._session.execute(statement)).one()
        if references == 0:
            return None
        return ReferenceVersion(
            references=references, newest_embedding_id=newest, fingerprint=fingerprint, dimension=dimension
        )

    async def pool_sizes(self, selection: ReferenceSelection, version: ReferenceVersion) -> dict[str, int]:
        """Count the references annotated in each aspect."""
        statement = (
            _annotations(selection, version, GOTerm.aspect, func.count(distinct(ProteinGOAnnotation.protein_accession)))
            .join(GOTerm, GOTerm.id == ProteinGOAnnotation.go_term_id)
            .where(~GOTerm.is_obsolete)
            .group_by(GOTerm.aspect)
        )
        sizes = {parse_aspect(code): count for code, count in await self._session.execute(statement)}
        return {aspect.value: sizes.get(aspect, 0) for aspect in ASPECTS}

    async def proteins(self, selection: ReferenceSelection, version: ReferenceVersion) -> ReferenceProteins:
        """Read who the references are."""
        statement = _members(
            selection,
            version.newest_embedding_id,
            Protein.accession,
            Protein.sequence_id,
            select(SequenceRow.length).where(SequenceRow.id == Protein.sequence_id).scalar_subquery(),
            func.coalesce(Protein.taxonomy_id, UNKNOWN_TAXON),
        )
        ordered = statement.order_by(Protein.accession.collate("C"))  # by bytes, as numpy sorts
        rows = [row async for rows in self._partitions(ordered) for row in rows]
        accessions, sequence_ids, lengths, taxon_ids = zip(*rows, strict=True)
        return ReferenceProteins(
            accessions=np.array([accession.encode() for accession in accessions], dtype=np.bytes_),
            sequence_ids=np.array(sequence_ids, dtype=np.int64),
            lengths=np.array(lengths, dtype=np.int32),
            taxon_ids=np.array(taxon_ids, dtype=np.int32),
        )

    async def annotations(
        self,
        selection: ReferenceSelection,
        version: ReferenceVersion,
        *,
        proteins: ReferenceProteins,
        ontology: StoredOntology,
    ) -> AnnotationRows:
        """Read the annotations that the references give; terms that are not live are left out."""
        statement = _annotations(
            selection,
            version,
            ProteinGOAnnotation.protein_accession,
            ProteinGOAnnotation.go_term_id,
            ProteinGOAnnotation.evidence_code,
            ProteinGOAnnotation.qualifier,
        )
        evidence, qualifiers = Vocabulary(), Vocabulary()
        parts = [tuple(np.empty(0, dtype) for dtype in (np.int64, np.int64, np.int16, np.int16))]
        async for rows in self._partitions(statement):
            accessions, term_ids, codes, texts = zip(*rows, strict=True)
            terms = np.array(term_ids, dtype=np.int64)
            parts.append((proteins.rows_of(accessions), terms, evidence.encode(codes), qualifiers.encode(texts)))
        reference_row, terms, codes_used, qualifiers_used = map(np.concatenate, zip(*parts, strict=True))
        term_row = ontology.rows_of(terms)
        is_live = term_row >= 0
        return AnnotationRows(
            reference_row=reference_row[is_live],
            term_row=term_row[is_live],
            evidence=codes_used[is_live],
            qualifier=qualifiers_used[is_live],
            evidence_codes=evidence.texts,
            qualifiers=qualifiers.texts,
        )

    async def read_vectors(self, selection: ReferenceSelection, version: ReferenceVersion, sink: VectorSink) -> None:
        """Read the vector of each distinct sequence, in no order.

        Raises
        ------
        MixedDimensionsError
            If they differ in length.
        """
        members = _members(selection, version.newest_embedding_id, Protein.sequence_id)
        statement = select(SequenceEmbedding.sequence_id, SequenceEmbedding.embedding).where(
            whole_vectors(selection.embedding_config_id), SequenceEmbedding.sequence_id.in_(members)
        )
        stream = VectorStream(version.dimension, sink)
        await read_binary(self._session, statement, stream.feed)
        stream.finish()

    async def _partitions(self, statement: Select[*tuple[Any, ...]]) -> AsyncIterator[Sequence[Row[*tuple[Any, ...]]]]:
        stream = await self._session.stream(statement.execution_options(yield_per=_ROWS_PER_FETCH))
        async for rows in stream.partitions():
            yield rows


def _members(selection: ReferenceSelection, newest_embedding_id: int | None, *columns: Any) -> Select[*tuple[Any, ...]]:
    """Select from the reference proteins, each with its embedding."""
    statement = (
        select(*columns)
        .select_from(Protein)
        .join(SequenceEmbedding, SequenceEmbedding.sequence_id == Protein.sequence_id)
        .where(
            whole_vectors(selection.embedding_config_id),
            exists().where(ProteinGOAnnotation.protein_accession == Protein.accession, *_donations(selection)),
            *_donors(selection),
        )
    )
    if newest_embedding_id is not None:
        statement = statement.where(SequenceEmbedding.id <= newest_embedding_id)
    return statement


def _donors(selection: ReferenceSelection) -> list[ColumnElement[bool]]:
    """Describe the proteins that may be donors, beside what is asked of their annotations."""
    conditions: list[ColumnElement[bool]] = []
    if selection.reviewed_only:
        conditions.append(Protein.reviewed.is_(True))
    if selection.taxon_ids is not None:
        conditions.append(Protein.taxonomy_id.in_(selection.taxon_ids))
    if selection.excluded_taxon_ids:
        conditions.append(func.coalesce(Protein.taxonomy_id, UNKNOWN_TAXON).not_in(selection.excluded_taxon_ids))
    return conditions


def _annotations(selection: ReferenceSelection, version: ReferenceVersion, *columns: Any) -> Select[*tuple[Any, ...]]:
    """Select from the annotations that references give."""
    members = _members(selection, version.newest_embedding_id, Protein.accession)
    return (
        select(*columns)
        .select_from(ProteinGOAnnotation)
        .where(ProteinGOAnnotation.protein_accession.in_(members), *_donations(selection))
    )


def _donations(selection: ReferenceSelection) -> list[ColumnElement[bool]]:
    """Describe the annotations that may be transferred."""
    conditions = [
        ProteinGOAnnotation.annotation_set_id == selection.annotation_set_id,
        ~ProteinGOAnnotation.is_negated,
    ]
    if selection.evidence_codes is not None:
        conditions.append(ProteinGOAnnotation.evidence_code.in_(selection.evidence_codes))
    return conditions + dated_until(selection.annotated_until)
