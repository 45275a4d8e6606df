"""What a prediction job names: recipes of embeddings, annotation sets, releases of the ontology."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.errors import PermanentError
from protea_common.ontology_store import read_go_graph
from protea_common.orm import AnnotationSet, EmbeddingConfig, GOTerm
from protea_predictor.domain.stored_ontology import StoredOntology

__all__ = ["AnnotationSetStore", "ConfigStore", "NotFoundError", "OntologyStore"]


class NotFoundError(PermanentError):
    """Something that the job names is not in the database, or was deleted.

    Attributes
    ----------
    kind
        What it is, for example ``annotation set``.
    identifier
        Its id.
    """

    slug: ClassVar[str] = "not-found"
    status: ClassVar[int] = 404

    def __init__(self, kind: str, identifier: UUID) -> None:
        super().__init__(f"There is no {kind} {identifier}; it may have been deleted. Name one that exists.")
        self.kind = kind
        self.identifier = identifier


class ConfigStore:
    """Table ``embedding_config``, which the embedder writes."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def has_unit_vectors(self, config_id: UUID) -> bool:
        """Tell whether the vectors of a recipe have length 1.

        Raises
        ------
        NotFoundError
            If there is no such recipe.
        """
        columns = select(EmbeddingConfig.normalize, EmbeddingConfig.embedding_scale)
        row = (await self._session.execute(columns.where(EmbeddingConfig.id == config_id))).one_or_none()
        if row is None:
            raise NotFoundError("embedding recipe", config_id)
        normalize, embedding_scale = row
        return normalize and embedding_scale == 1


class AnnotationSetStore:
    """Table ``annotation_set``, which ingest writes."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def ontology_snapshot_of(self, annotation_set_id: UUID) -> UUID:
        """Read which release of the ontology an annotation set was read with.

        Raises
        ------
        NotFoundError
            If there is no such set.
        """
        column = select(AnnotationSet.ontology_snapshot_id)
        snapshot_id = await self._session.scalar(column.where(AnnotationSet.id == annotation_set_id))
        if snapshot_id is None:
            raise NotFoundError("annotation set", annotation_set_id)
        return snapshot_id


class OntologyStore:
    """Tables ``go_term`` and ``go_term_relationship``, which ingest writes."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def read(self, ontology_snapshot_id: UUID) -> StoredOntology:
        """Read the live terms of a release with their database ids.

        Raises
        ------
        OntologyCycleError
            If a term is its own ancestor.
        """
        graph = await read_go_graph(self._session, ontology_snapshot_id)
        terms = select(GOTerm.go_id, GOTerm.id).where(GOTerm.ontology_snapshot_id == ontology_snapshot_id)
        id_of = {row.go_id: row.id for row in await self._session.execute(terms)}
        return StoredOntology(graph, np.array([id_of[go_id] for go_id in graph.go_ids], dtype=np.int64))
