"""InterPro hits of queries, and the terms that a release of the mapping gives their entries."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ARRAY, BigInteger, ColumnElement, Text, any_, cast, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.domain.ontology import GoGraph
from protea_common.orm import InterProAnnotation, InterProGoMapping, QuerySetEntry
from protea_predictor.domain.features.interpro import InterProHits, member_database
from protea_predictor.domain.features.term_lists import TermLists

__all__ = ["InterProStore"]


class InterProStore:
    """Tables ``interpro_annotation`` and ``interpro_go_mapping``, which ingest writes."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def mapping_versions(self) -> tuple[str, ...]:
        """Name the releases of the mapping that are loaded."""
        versions = await self._session.scalars(select(InterProGoMapping.source_version).distinct())
        return tuple(sorted(versions))

    async def any_hit(self, query_set_id: UUID, *, ipr_release: str | None) -> bool:
        """Tell whether anything was found on any query of a set."""
        statement = (
            select(InterProAnnotation.id)
            .join(QuerySetEntry, QuerySetEntry.sequence_id == InterProAnnotation.sequence_id)
            .where(QuerySetEntry.query_set_id == query_set_id, *_of_release(ipr_release))
        )
        return await self._session.scalar(statement.limit(1)) is not None

    async def hits(
        self, sequence_ids: NDArray[np.int64], *, mapping: str, ipr_release: str | None, graph: GoGraph
    ) -> InterProHits:
        """Read what was found on queries, and what it implies.

        Parameters
        ----------
        sequence_ids
            Sequence of each query; its position is the query's row.
        mapping
            Release of the mapping. A pair whose term the ontology does not have is left out; its entry stays a hit.
        ipr_release
            Only hits of this release of InterPro; ``None`` for all of them.
        graph
            The ontology.
        """
        found = await self._found(sequence_ids, ipr_release)
        entries = sorted({entry for _, entry, _ in found})
        entry_of = {entry: row for row, entry in enumerate(entries)}
        rows_of: dict[int, list[int]] = {}
        for row, sequence_id in enumerate(sequence_ids.tolist()):
            rows_of.setdefault(sequence_id, []).append(row)
        hits = [
            (row, entry_of[entry], member_database(source_db))
            for sequence_id, entry, source_db in found
            for row in rows_of[sequence_id]
        ]
        query_row, entry_row, database = np.array(hits, dtype=np.int64).reshape(-1, 3).T
        implied = await self._implied(entry_of, mapping, graph)
        return InterProHits(query_row=query_row, entry_row=entry_row, database=database, implied=implied)

    async def _found(self, sequence_ids: NDArray[np.int64], ipr_release: str | None) -> Sequence[tuple[int, str, str]]:
        columns = (InterProAnnotation.sequence_id, InterProAnnotation.accession, InterProAnnotation.source_db)
        wanted = cast(sorted(set(sequence_ids.tolist())), ARRAY(BigInteger))
        statement = (
            select(*columns)
            .where(InterProAnnotation.sequence_id == any_(wanted), *_of_release(ipr_release))
            .distinct()
            .order_by(*columns)
        )
        return [
            (sequence_id, entry, source_db) for sequence_id, entry, source_db in await self._session.execute(statement)
        ]

    async def _implied(self, entry_of: dict[str, int], mapping: str, graph: GoGraph) -> TermLists:
        statement = select(InterProGoMapping.ipr_accession, InterProGoMapping.go_id).where(
            InterProGoMapping.source_version == mapping,
            InterProGoMapping.ipr_accession == any_(cast(list(entry_of), ARRAY(Text))),
        )
        pairs = [
            (entry_of[entry], graph.row_of[go_id])
            for entry, go_id in await self._session.execute(statement)
            if go_id in graph.row_of
        ]
        entry_row, term_row = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        return TermLists.of_pairs(entry_row, term_row, n_terms=len(graph.go_ids))


def _of_release(ipr_release: str | None) -> tuple[ColumnElement[bool], ...]:
    return () if ipr_release is None else (InterProAnnotation.ipr_release == ipr_release,)
