"""What is known of queries beside their sequences: their own annotations, and their taxa."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ARRAY, Text, any_, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import Protein, ProteinGOAnnotation, QuerySetEntry
from protea_predictor.domain.features.own_annotations import OwnAnnotations
from protea_predictor.domain.features.taxonomy import UNKNOWN_TAXON
from protea_predictor.domain.features.votes import evidence_kinds
from protea_predictor.domain.stored_ontology import StoredOntology

__all__ = ["QueryFactStore"]


class QueryFactStore:
    """Tables ``protein_go_annotation``, ``protein`` and ``query_set_entry``, which other services write."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def annotations(
        self, accessions: Sequence[str], *, annotation_set_id: UUID, ontology: StoredOntology
    ) -> OwnAnnotations:
        """Read what a set says of the queries themselves, negated annotations and dead terms left out.

        Parameters
        ----------
        accessions
            Of the queries; their order numbers the rows. One that the database has not, has no annotation.
        annotation_set_id
            The set, which holds what was known at t0 and nothing later.
        ontology
            The release that the set was read with.
        """
        columns = (
            ProteinGOAnnotation.protein_accession,
            ProteinGOAnnotation.go_term_id,
            func.coalesce(ProteinGOAnnotation.evidence_code, ""),
        )
        statement = select(*columns).where(
            ProteinGOAnnotation.annotation_set_id == annotation_set_id,
            ProteinGOAnnotation.protein_accession == any_(cast(list(accessions), ARRAY(Text))),
            ~ProteinGOAnnotation.is_negated,
        )
        row_of = {accession: row for row, accession in enumerate(accessions)}
        found = (await self._session.execute(statement)).all()
        term_row = ontology.rows_of(np.array([term_id for _, term_id, _ in found], dtype=np.int64))
        is_live = term_row >= 0
        query_row = np.array([row_of[accession] for accession, _, _ in found], dtype=np.int64)
        return OwnAnnotations(
            query_row=query_row[is_live],
            term_row=term_row[is_live],
            kinds=evidence_kinds([code for *_, code in found])[is_live],
            n_terms=len(ontology.graph.go_ids),
        )

    async def any_taxon(self, query_set_id: UUID) -> bool:
        """Tell whether the taxon of any query of a set is known."""
        statement = (
            select(QuerySetEntry.id)
            .outerjoin(Protein, Protein.accession == QuerySetEntry.accession)
            .where(
                QuerySetEntry.query_set_id == query_set_id,
                func.coalesce(func.nullif(QuerySetEntry.taxonomy_id, 0), Protein.taxonomy_id, 0) != 0,
            )
        )
        return await self._session.scalar(statement.limit(1)) is not None

    async def taxa(self, accessions: Sequence[str], *, query_set_id: UUID | None) -> NDArray[np.int64]:
        """Read each query's taxon: as its FASTA header gives it, else as the database has it, else unknown."""
        wanted = cast(list(accessions), ARRAY(Text))
        of_proteins = select(Protein.accession, Protein.taxonomy_id).where(Protein.accession == any_(wanted))
        taxa = {accession: taxon for accession, taxon in await self._session.execute(of_proteins) if taxon}
        if query_set_id is not None:
            of_entries = select(QuerySetEntry.accession, QuerySetEntry.taxonomy_id).where(
                QuerySetEntry.query_set_id == query_set_id, QuerySetEntry.accession == any_(wanted)
            )
            taxa |= {accession: taxon for accession, taxon in await self._session.execute(of_entries) if taxon}
        return np.array([taxa.get(accession, UNKNOWN_TAXON) for accession in accessions], dtype=np.int64)
