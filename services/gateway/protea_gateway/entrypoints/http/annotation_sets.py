"""``/v1/annotations/sets`` and ``/v1/proteins``: reference data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field

from protea_common.operations import LoadGoaAnnotations, LoadProteins
from protea_common.orm import AnnotationSet
from protea_gateway.adapters.storage.annotation_sets import AnnotationSetStore
from protea_gateway.entrypoints.http.guard import GuardedRoute
from protea_gateway.entrypoints.http.parts import CallerParameter, FactoryParameter, PageParameter
from protea_gateway.entrypoints.http.resources import Accepted, Deleted, submit_operation
from protea_gateway.usecases.jobs import AcceptedJob

__all__ = ["router"]

router = APIRouter(tags=["reference data"], route_class=GuardedRoute)


class AnnotationSetResource(BaseModel):
    """Annotations of one source and release, read with one ontology release."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    source: str = Field(examples=["goa"])
    source_version: str | None = Field(examples=["220"])
    source_published_at: datetime | None
    content_sha256: str | None
    annotation_count: int
    annotated_before: date | None = Field(description="Annotations of this day or later were left out.")
    ontology_snapshot_id: UUID
    job_id: UUID | None = Field(description="Job that loaded it.")
    meta: dict[str, Any] = Field(description="How the load went, with what was rejected and why.")
    created_at: datetime


class DeletedAnnotations(Deleted):
    """A deleted set."""

    annotations_deleted: int


@router.get(
    "/annotations/sets",
    summary="List annotation sets",
    description="Newest first.",
    response_model=list[AnnotationSetResource],
)
async def page(
    factory: FactoryParameter, part: PageParameter, source: Annotated[str | None, Query(examples=["goa"])] = None
) -> Sequence[AnnotationSet]:
    async with factory.unit_of_work() as work:
        return await AnnotationSetStore(work.session).page(source=source, limit=part.limit, offset=part.offset)


@router.post(
    "/annotations/sets/load-goa",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Load annotations",
    response_model=Accepted,
)
async def load(
    payload: LoadGoaAnnotations, response: Response, factory: FactoryParameter, caller: CallerParameter
) -> AcceptedJob:
    return await submit_operation("load_goa_annotations", payload, factory=factory, caller=caller, response=response)


@router.get("/annotations/sets/{set_id}", summary="Show an annotation set", response_model=AnnotationSetResource)
async def show(set_id: UUID, factory: FactoryParameter) -> AnnotationSet:
    async with factory.unit_of_work() as work:
        return await AnnotationSetStore(work.session).get(set_id)


@router.delete(
    "/annotations/sets/{set_id}", summary="Delete an annotation set", description="One that is in use is a 409."
)
async def delete(set_id: UUID, factory: FactoryParameter) -> DeletedAnnotations:
    async with factory.unit_of_work() as work:
        gone = await AnnotationSetStore(work.session).delete(set_id)
    return DeletedAnnotations(deleted=set_id, annotations_deleted=gone.annotation_count)


@router.post("/proteins/load", status_code=status.HTTP_202_ACCEPTED, summary="Load proteins", response_model=Accepted)
async def load_proteins(
    payload: LoadProteins, response: Response, factory: FactoryParameter, caller: CallerParameter
) -> AcceptedJob:
    return await submit_operation("load_proteins", payload, factory=factory, caller=caller, response=response)
