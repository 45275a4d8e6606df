"""``/v1/query-sets``: sets of proteins that somebody asks about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, status
from pydantic import BaseModel, ConfigDict, Field

from protea_common.orm import QuerySet
from protea_gateway.adapters.storage.query_sets import QuerySetStore
from protea_gateway.entrypoints.http.forms import FORM_LIMITS, FastaForm, received_fasta
from protea_gateway.entrypoints.http.guard import FastaRoute
from protea_gateway.entrypoints.http.parts import FactoryParameter, PageParameter
from protea_gateway.entrypoints.http.resources import Deleted

__all__ = ["router"]

router = APIRouter(prefix="/query-sets", tags=["query sets"], route_class=FastaRoute, form_limits=FORM_LIMITS)


class QuerySetForm(FastaForm):
    """A set to be kept."""

    name: str = Field(min_length=1, max_length=255)
    description: str | None = Field(default=None, max_length=20_000)


class QuerySetSummary(BaseModel):
    """A set in a list."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    description: str | None
    content_sha256: str | None = Field(description="Digest of the text, decompressed.")
    entry_count: int = Field(description="Proteins.")
    residue_count: int = Field(description="Residues in all.")
    created_at: datetime


class Entry(BaseModel):
    """One protein of a set."""

    model_config = ConfigDict(from_attributes=True)

    accession: str
    species: str | None
    taxonomy_id: int | None
    length: int = Field(description="Residues.")


class QuerySetDetail(QuerySetSummary):
    """A set with a page of its proteins."""

    entries: list[Entry]


@router.post("", status_code=status.HTTP_201_CREATED, summary="Keep a query set", response_model=QuerySetSummary)
async def create(
    form: Annotated[QuerySetForm, Form(media_type="multipart/form-data")], factory: FactoryParameter
) -> QuerySet:
    writer = factory.create_query_set_writer()
    fasta = await writer.check(received_fasta(form))
    async with factory.unit_of_work() as work:
        return await writer.add(work, fasta, name=form.name, description=form.description)


@router.get("", summary="List query sets", description="Newest first.", response_model=list[QuerySetSummary])
async def page(
    factory: FactoryParameter,
    part: PageParameter,
    content_sha256: Annotated[
        str | None, Query(pattern="^[0-9a-f]{64}$", description="Only those with this text.")
    ] = None,
) -> Sequence[QuerySet]:
    async with factory.unit_of_work() as work:
        return await QuerySetStore(work.session).page(
            content_sha256=content_sha256, limit=part.limit, offset=part.offset
        )


@router.get("/{query_set_id}", summary="Show a query set", description="With a page of its proteins.")
async def show(query_set_id: UUID, factory: FactoryParameter, part: PageParameter) -> QuerySetDetail:
    async with factory.unit_of_work() as work:
        store = QuerySetStore(work.session)
        found = QuerySetSummary.model_validate(await store.get(query_set_id))
        entries = await store.entries(query_set_id, limit=part.limit, offset=part.offset)
    return QuerySetDetail(**found.model_dump(), entries=[Entry.model_validate(entry) for entry in entries])


@router.delete(
    "/{query_set_id}",
    summary="Delete a query set",
    description="Predictions made for it stay. One that a job works on is a 409.",
)
async def delete(query_set_id: UUID, factory: FactoryParameter) -> Deleted:
    async with factory.unit_of_work() as work:
        await QuerySetStore(work.session).delete(query_set_id)
    return Deleted(deleted=query_set_id)
