"""An ontology release as rows of the database, for tests that read one."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID, uuid4

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db import copy_rows
from protea_common.domain.ontology import ASPECTS, GoGraph, Relation, Term
from protea_common.orm import GOTerm, OntologySnapshot

__all__ = ["insert_graph", "insert_ontology", "read_term_ids"]


async def insert_ontology(
    session: AsyncSession, terms: Iterable[Term], relations: Iterable[Relation], *, version: str = "releases/2019-01-27"
) -> UUID:
    """Write a release; give the snapshot's id."""
    snapshot_id = uuid4()
    await session.execute(
        insert(OntologySnapshot).values(
            id=snapshot_id, obo_url="file:///go.obo", obo_version=version, obo_sha256="0" * 64
        )
    )
    columns = ("go_id", "name", "aspect", "is_obsolete", "alt_ids", "replaced_by", "consider", "ontology_snapshot_id")
    rows = (
        (
            term.go_id,
            term.name,
            term.aspect and term.aspect.code,
            term.is_obsolete,
            list(term.alt_ids),
            list(term.replaced_by),
            list(term.consider),
            snapshot_id,
        )
        for term in terms
    )
    await copy_rows(session, "go_term", columns, rows)
    ids = await read_term_ids(session, snapshot_id)
    edge_columns = ("child_go_term_id", "parent_go_term_id", "relation_type", "ontology_snapshot_id")
    edges = ((ids[edge.child], ids[edge.parent], edge.relation_type, snapshot_id) for edge in relations)
    await copy_rows(session, "go_term_relationship", edge_columns, edges)
    return snapshot_id


async def insert_graph(session: AsyncSession, graph: GoGraph, *, version: str = "releases/2019-01-27") -> UUID:
    """Write the terms and edges of a graph as a release; give the snapshot's id."""
    terms = [
        Term(go_id=go_id, name=go_id, aspect=ASPECTS[graph.aspects[row]], definition=None, is_obsolete=False)
        for row, go_id in enumerate(graph.go_ids)
    ]
    relations = [
        Relation(go_id, graph.go_ids[parent], "is_a")
        for row, go_id in enumerate(graph.go_ids)
        for parent in graph.parents(row)
    ]
    return await insert_ontology(session, terms, relations, version=version)


async def read_term_ids(session: AsyncSession, snapshot_id: UUID) -> dict[str, int]:
    """Database id of each term of a release."""
    rows = await session.execute(select(GOTerm.go_id, GOTerm.id).where(GOTerm.ontology_snapshot_id == snapshot_id))
    return {row.go_id: row.id for row in rows}
