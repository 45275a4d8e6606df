"""Reading a stored release of the Gene Ontology back as the graph that annotations are propagated in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVarTuple
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from protea_common.domain.ontology import PROPAGATING_RELATIONS, GoGraph, Relation, parse_aspect
from protea_common.orm import GOTerm, GOTermRelationship

__all__ = ["read_go_graph", "read_live_ids"]

_Columns = TypeVarTuple("_Columns")

_ROWS_PER_FETCH = 5_000
"""Rows read at a time; fewer cost round trips, more hold the event loop longer."""


async def read_go_graph(session: AsyncSession, ontology_snapshot_id: UUID) -> GoGraph:
    """Read the live terms of a release and their propagating edges; an unknown release gives a graph without rows.

    The graph is built on a thread: the closure of the whole ontology takes a second.

    Raises
    ------
    OntologyCycleError
        If a term is its own ancestor.
    """
    terms = select(GOTerm.go_id, GOTerm.aspect).where(
        GOTerm.ontology_snapshot_id == ontology_snapshot_id, ~GOTerm.is_obsolete
    )
    live = [
        (go_id, parse_aspect(code))
        async for rows in _fetch(session, terms)
        for go_id, code in rows
        if code is not None  # only obsolete terms lose their aspect
    ]
    return await asyncio.to_thread(GoGraph.build, live, await _read_relations(session, ontology_snapshot_id))


async def _read_relations(session: AsyncSession, ontology_snapshot_id: UUID) -> list[Relation]:
    child, parent = aliased(GOTerm), aliased(GOTerm)
    edges = (
        select(child.go_id, parent.go_id, GOTermRelationship.relation_type)
        .join(child, child.id == GOTermRelationship.child_go_term_id)
        .join(parent, parent.id == GOTermRelationship.parent_go_term_id)
        .where(
            GOTermRelationship.ontology_snapshot_id == ontology_snapshot_id,
            GOTermRelationship.relation_type.in_(PROPAGATING_RELATIONS),
        )
    )
    return [Relation(*edge) async for rows in _fetch(session, edges) for edge in rows]


async def _fetch(session: AsyncSession, query: Select[*_Columns]) -> AsyncIterator[Sequence[Row[*_Columns]]]:
    stream = await session.stream(query)
    async for rows in stream.partitions(_ROWS_PER_FETCH):
        yield rows


async def read_live_ids(session: AsyncSession, ontology_snapshot_id: UUID) -> dict[str, str]:
    """Read which live term stands for an identifier that is no live term of a release any more.

    Returns
    -------
    live_ids
        Live identifier by merged one, and by obsolete one whose only successor is live. Where an obsolete term has
        several successors a person has to choose, so it is left out, as is what only may be considered.
    """
    obsolete, successor = aliased(GOTerm), aliased(GOTerm)
    replaced = (
        select(obsolete.go_id, successor.go_id)
        .join(successor, successor.go_id == obsolete.replaced_by[1])
        .where(
            obsolete.ontology_snapshot_id == ontology_snapshot_id,
            successor.ontology_snapshot_id == ontology_snapshot_id,
            obsolete.is_obsolete,
            ~successor.is_obsolete,
            func.cardinality(obsolete.replaced_by) == 1,
        )
    )
    merged = select(func.unnest(GOTerm.alt_ids), GOTerm.go_id).where(
        GOTerm.ontology_snapshot_id == ontology_snapshot_id, ~GOTerm.is_obsolete
    )
    # Merged ones last: they win where a release says both.
    return {gone: live for query in (replaced, merged) for gone, live in await session.execute(query)}
