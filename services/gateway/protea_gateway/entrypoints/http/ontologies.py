"""``/v1/annotations/snapshots``: releases of the Gene Ontology."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field

from protea_common.operations import LoadOntologySnapshot
from protea_common.orm import OntologySnapshot
from protea_gateway.adapters.storage.ontologies import OntologyStore, Subgraph
from protea_gateway.entrypoints.http.guard import GuardedRoute
from protea_gateway.entrypoints.http.parts import CallerParameter, FactoryParameter, PageParameter
from protea_gateway.entrypoints.http.resources import Accepted, submit_operation
from protea_gateway.usecases.jobs import AcceptedJob

__all__ = ["router"]

router = APIRouter(prefix="/annotations/snapshots", tags=["ontologies"], route_class=GuardedRoute)

MAX_TERMS = 200
"""Terms that one subgraph may start from; more make a picture that nobody reads."""


class Snapshot(BaseModel):
    """A release of the Gene Ontology."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    obo_url: str = Field(description="Where the file came from.")
    obo_version: str = Field(description="Its data-version.", examples=["releases/2024-01-17"])
    obo_sha256: str
    ia_url: str | None = Field(description="Information accretion of its terms; null means 1 for each.")
    term_count: int
    relationship_count: int
    loaded_at: datetime


class InformationAccretion(BaseModel):
    """Where the information accretion of a release's terms is."""

    model_config = ConfigDict(extra="forbid")

    ia_url: str | None = Field(max_length=255)


class Node(BaseModel):
    """A term of a subgraph."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    go_id: str
    name: str | None
    aspect: str | None = Field(description="F, P or C.")
    is_query: bool = Field(description="Whether it was asked for.")


class Edge(BaseModel):
    """An edge, from child to parent."""

    model_config = ConfigDict(from_attributes=True)

    source: str
    target: str
    relation_type: str


class Graph(BaseModel):
    """A part of the ontology."""

    model_config = ConfigDict(from_attributes=True)

    nodes: list[Node]
    edges: list[Edge]


@router.get(
    "", summary="List ontology releases", description="The one loaded last first.", response_model=list[Snapshot]
)
async def page(factory: FactoryParameter, part: PageParameter) -> Sequence[OntologySnapshot]:
    async with factory.unit_of_work() as work:
        return await OntologyStore(work.session).page(limit=part.limit, offset=part.offset)


@router.post("/load", status_code=status.HTTP_202_ACCEPTED, summary="Load an ontology release", response_model=Accepted)
async def load(
    payload: LoadOntologySnapshot, response: Response, factory: FactoryParameter, caller: CallerParameter
) -> AcceptedJob:
    return await submit_operation("load_ontology_snapshot", payload, factory=factory, caller=caller, response=response)


@router.get("/{snapshot_id}", summary="Show an ontology release", response_model=Snapshot)
async def show(snapshot_id: UUID, factory: FactoryParameter) -> OntologySnapshot:
    async with factory.unit_of_work() as work:
        return await OntologyStore(work.session).get(snapshot_id)


@router.patch("/{snapshot_id}/ia-url", summary="Say where the information accretion is", response_model=Snapshot)
async def set_ia_url(snapshot_id: UUID, body: InformationAccretion, factory: FactoryParameter) -> OntologySnapshot:
    async with factory.unit_of_work() as work:
        return await OntologyStore(work.session).set_ia_url(snapshot_id, body.ia_url)


@router.get(
    "/{snapshot_id}/subgraph",
    summary="Draw what lies above terms",
    description="Breadth first upward along every relation. Unknown terms are passed over.",
    response_model=Graph,
)
async def subgraph(
    snapshot_id: UUID,
    factory: FactoryParameter,
    go_ids: Annotated[str, Query(description="Separated by commas.", examples=["GO:0005524,GO:0004672"])],
    depth: Annotated[int, Query(ge=1, le=6, description="Levels to climb.")] = 3,
) -> Subgraph:
    wanted = [go_id.strip() for go_id in go_ids.split(",")][:MAX_TERMS]
    async with factory.unit_of_work() as work:
        return await OntologyStore(work.session).above(snapshot_id, wanted, depth=depth)
