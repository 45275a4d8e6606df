"""Annotation sets, and which of them proteins can be annotated from."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import (
    AnnotationSet,
    EmbeddingConfig,
    EvaluationSet,
    OntologySnapshot,
    PredictionSet,
    Protein,
    ProteinGOAnnotation,
    SequenceEmbedding,
)
from protea_gateway.adapters.storage.lookup import delete_unused, find

__all__ = ["AnnotationSetStore"]


class AnnotationSetStore:
    """Reads annotation sets, and deletes those that nothing was made with."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, *, source: str | None, limit: int, offset: int) -> Sequence[AnnotationSet]:
        """List sets, newest first."""
        query = select(AnnotationSet).order_by(AnnotationSet.created_at.desc(), AnnotationSet.id)
        if source is not None:
            query = query.where(AnnotationSet.source == source)
        return (await self._session.scalars(query.limit(limit).offset(offset))).all()

    async def get(self, set_id: UUID) -> AnnotationSet:
        """Read a set, or raise `NotFoundError`."""
        return await find(self._session, AnnotationSet, set_id)

    async def delete(self, set_id: UUID) -> AnnotationSet:
        """Delete a set with its annotations, or raise `InUseError`."""
        users = {
            "prediction sets": PredictionSet.annotation_set_id,
            "evaluation sets (t0)": EvaluationSet.old_annotation_set_id,
            "evaluation sets (t1)": EvaluationSet.new_annotation_set_id,
        }
        return await delete_unused(self._session, AnnotationSet, set_id, users=users)

    async def newest_first(self) -> Sequence[AnnotationSet]:
        """List the sets that have annotations."""
        query = select(AnnotationSet).where(AnnotationSet.annotation_count > 0)
        return (await self._session.scalars(query.order_by(AnnotationSet.created_at.desc(), AnnotationSet.id))).all()

    async def recipes_newest_first(self) -> Sequence[UUID]:
        """List the embedding recipes."""
        query = select(EmbeddingConfig.id).order_by(EmbeddingConfig.created_at.desc(), EmbeddingConfig.id)
        return (await self._session.scalars(query)).all()

    async def can_be_searched(self, set_id: UUID, embedding_config_id: UUID) -> bool:
        """Whether a protein that the set annotates has a vector under the recipe."""
        query = (
            select(SequenceEmbedding.id)
            .join(Protein, Protein.sequence_id == SequenceEmbedding.sequence_id)
            .join(ProteinGOAnnotation, ProteinGOAnnotation.protein_accession == Protein.accession)
            .where(
                SequenceEmbedding.embedding_config_id == embedding_config_id,
                ProteinGOAnnotation.annotation_set_id == set_id,
                ~ProteinGOAnnotation.is_negated,
            )
            .limit(1)
        )
        return await self._session.scalar(query) is not None

    async def is_loaded(self) -> tuple[bool, bool]:
        """Whether there is an ontology, and whether there are proteins."""
        ontology = await self._session.scalar(select(OntologySnapshot.id).limit(1))
        protein = await self._session.scalar(select(Protein.accession).where(Protein.sequence_id.is_not(None)).limit(1))
        return ontology is not None, protein is not None
