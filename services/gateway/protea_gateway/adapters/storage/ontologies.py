"""Releases of the ontology, and the part of one that lies above some terms."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from protea_common.orm import GOTerm, GOTermRelationship, OntologySnapshot
from protea_gateway.adapters.storage.lookup import find

__all__ = ["Edge", "Node", "OntologyStore", "Subgraph"]


@dataclass(frozen=True, slots=True)
class Node:
    """A term of a subgraph; ``is_query`` if it was asked for."""

    id: int
    go_id: str
    name: str | None
    aspect: str | None
    is_query: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge from child (source) to parent (target), by their GO ids."""

    source: str
    target: str
    relation_type: str


@dataclass(frozen=True, slots=True)
class Subgraph:
    """Terms and the edges between them."""

    nodes: list[Node]
    edges: list[Edge]


class OntologyStore:
    """Reads ontology releases."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, *, limit: int, offset: int) -> Sequence[OntologySnapshot]:
        """List releases, the one loaded last first."""
        query = select(OntologySnapshot).order_by(OntologySnapshot.loaded_at.desc(), OntologySnapshot.id)
        return (await self._session.scalars(query.limit(limit).offset(offset))).all()

    async def get(self, snapshot_id: UUID) -> OntologySnapshot:
        """Read a release, or raise `NotFoundError`."""
        return await find(self._session, OntologySnapshot, snapshot_id)

    async def set_ia_url(self, snapshot_id: UUID, ia_url: str | None) -> OntologySnapshot:
        """Say where the information accretion of a release is."""
        snapshot = await self.get(snapshot_id)
        statement = update(OntologySnapshot).where(OntologySnapshot.id == snapshot_id).values(ia_url=ia_url)
        await self._session.execute(statement)
        await self._session.refresh(snapshot)
        return snapshot

    async def above(self, snapshot_id: UUID, go_ids: Collection[str], *, depth: int) -> Subgraph:
        """Walk up from terms, breadth first, along every kind of edge; unknown ids are passed over."""
        await self.get(snapshot_id)
        asked = select(GOTerm.id).where(GOTerm.ontology_snapshot_id == snapshot_id, GOTerm.go_id.in_(go_ids))
        start = set(await self._session.scalars(asked))
        seen, frontier, edges = set(start), set(start), []
        for _ in range(depth):
            if not frontier:
                break
            level = await self._edges_from(frontier)
            edges += [edge for _, edge in level]
            frontier = {parent for parent, _ in level} - seen
            seen |= frontier
        return Subgraph(nodes=await self._nodes(seen, start), edges=edges)

    async def _edges_from(self, term_ids: Collection[int]) -> list[tuple[int, Edge]]:
        child, parent = aliased(GOTerm), aliased(GOTerm)
        rows = await self._session.execute(
            select(parent.id, child.go_id, parent.go_id.label("target"), GOTermRelationship.relation_type)
            .select_from(GOTermRelationship)
            .join(child, child.id == GOTermRelationship.child_go_term_id)
            .join(parent, parent.id == GOTermRelationship.parent_go_term_id)
            .where(GOTermRelationship.child_go_term_id.in_(term_ids))
            .order_by(child.go_id, parent.go_id, GOTermRelationship.relation_type)
        )
        return [(row.id, Edge(row.go_id, row.target, row.relation_type)) for row in rows]

    async def _nodes(self, term_ids: Collection[int], start: Collection[int]) -> list[Node]:
        columns = select(GOTerm.id, GOTerm.go_id, GOTerm.name, GOTerm.aspect)
        rows = await self._session.execute(columns.where(GOTerm.id.in_(term_ids)).order_by(GOTerm.go_id))
        return [Node(row.id, row.go_id, row.name, row.aspect, row.id in start) for row in rows]
