"""``/v1/embeddings/prediction-sets``: predictions, as lists and as files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status
from pydantic import BaseModel, ConfigDict, Field

from protea_common.domain.ontology import parse_aspect
from protea_common.orm import PredictionSetStatus
from protea_gateway.adapters.storage.predictions import (
    PredictionFilter,
    PredictionSetView,
    PredictionStore,
    ProteinSummary,
)
from protea_gateway.entrypoints.http.guard import GuardedRoute
from protea_gateway.entrypoints.http.parts import FactoryParameter, PageParameter
from protea_gateway.entrypoints.http.resources import Deleted
from protea_gateway.entrypoints.http.streams import FileDownload, documented_as

__all__ = ["router"]

router = APIRouter(prefix="/embeddings/prediction-sets", tags=["predictions"], route_class=GuardedRoute)

TABLE = documented_as("text/tab-separated-values", "All columns, with a header; by protein, best terms first.")
CAFA = documented_as("text/tab-separated-values", "Protein, term and score (four decimals, above 0), without a header.")


class PredictionSetResource(BaseModel):
    """One run of predictions."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    status: PredictionSetStatus = Field(description="Only a COMPLETE set can be downloaded.")
    embedding_config_id: UUID | None = Field(description="Null for a baseline.")
    embedding_config_name: str | None
    annotation_set_id: UUID
    annotation_set_label: str
    ontology_snapshot_id: UUID
    ontology_snapshot_version: str
    query_set_id: UUID | None
    scoring_config_id: UUID | None
    job_id: UUID | None
    limit_per_entry: int = Field(description="Neighbours per protein (K), in each pool.")
    distance_threshold: float | None
    prediction_count: int
    meta: dict[str, Any] = Field(description="The receipt: what else is needed to repeat it.")
    created_at: datetime


class ProteinPredictions(BaseModel):
    """A protein with predictions."""

    model_config = ConfigDict(from_attributes=True)

    accession: str
    go_count: int = Field(description="Terms predicted.")
    max_score: float
    min_distance: float | None


class ProteinPage(BaseModel):
    """A part of a set's proteins."""

    items: list[ProteinPredictions]
    limit: int
    offset: int


class Prediction(BaseModel):
    """A term predicted for a protein."""

    go_id: str
    go_name: str | None
    go_aspect: str | None = Field(description="F, P or C.")
    score: float = Field(description="In [0, 1], higher is more likely.")
    distance: float | None = Field(description="To the nearest donor; null where there is none.")
    ref_protein_accession: str | None = Field(description="The nearest donor; null where there is none.")
    qualifier: str | None
    evidence_code: str | None
    vote_count: int | None = Field(description="Distinct donors.")
    k_position: int | None
    same_sequence: bool = Field(description="Whether the nearest donor has the protein's own sequence.")
    donor_accessions: list[str] | None
    donor_k_positions: list[int] | None
    donor_distances: list[float] | None
    features: dict[str, Any] = Field(description="What else was computed.")


class DeletedPredictions(Deleted):
    """A deleted set."""

    predictions_deleted: int


def _filter(
    accession: Annotated[str | None, Query(description="Only this protein.")] = None,
    aspect: Annotated[
        str | None, Query(description="F, P or C; MFO, BPO or CCO; or the namespace.", examples=["MFO"])
    ] = None,
    max_distance: Annotated[float | None, Query(ge=0, description="Of the nearest donor.")] = None,
    min_score: Annotated[float | None, Query(ge=0, le=1)] = None,
) -> PredictionFilter:
    code = None if aspect is None else parse_aspect(aspect).code
    return PredictionFilter(accession, code, max_distance, min_score)


FilterParameter = Annotated[PredictionFilter, Depends(_filter)]


@router.get("", summary="List prediction sets", description="Newest first.", response_model=list[PredictionSetResource])
async def page(factory: FactoryParameter, part: PageParameter) -> Sequence[PredictionSetView]:
    async with factory.unit_of_work() as work:
        return await PredictionStore(work.session).page(limit=part.limit, offset=part.offset)


@router.get("/{set_id}", summary="Show a prediction set", response_model=PredictionSetResource)
async def show(set_id: UUID, factory: FactoryParameter) -> PredictionSetView:
    async with factory.unit_of_work() as work:
        return await PredictionStore(work.session).get(set_id)


@router.delete("/{set_id}", summary="Delete a prediction set", description="With its evaluation results.")
async def delete(set_id: UUID, factory: FactoryParameter) -> DeletedPredictions:
    async with factory.unit_of_work() as work:
        count = await PredictionStore(work.session).delete(set_id)
    return DeletedPredictions(deleted=set_id, predictions_deleted=count)


@router.get(
    "/{set_id}/predictions.tsv",
    summary="Download predictions",
    status_code=status.HTTP_200_OK,
    response_class=FileDownload,
    responses=TABLE,
)
async def download_table(set_id: UUID, factory: FactoryParameter, wanted: FilterParameter) -> FileDownload:
    rows = await factory.create_download_predictions().as_table(set_id, wanted)
    return FileDownload(rows, filename=f"predictions-{set_id}.tsv")


@router.get(
    "/{set_id}/predictions-cafa.tsv",
    summary="Download predictions as the CAFA challenge reads them",
    status_code=status.HTTP_200_OK,
    response_class=FileDownload,
    responses=CAFA,
)
async def download_cafa(set_id: UUID, factory: FactoryParameter, wanted: FilterParameter) -> FileDownload:
    rows = await factory.create_download_predictions().as_cafa(set_id, wanted)
    return FileDownload(rows, filename=f"predictions-cafa-{set_id}.tsv")


@router.get("/{set_id}/proteins", summary="List the proteins of a prediction set", description="By accession.")
async def proteins(
    set_id: UUID,
    factory: FactoryParameter,
    part: PageParameter,
    search: Annotated[str | None, Query(max_length=255, description="Part of the accession.")] = None,
) -> ProteinPage:
    async with factory.unit_of_work() as work:
        store = PredictionStore(work.session)
        await store.get(set_id)
        found: Sequence[ProteinSummary] = await store.proteins(
            set_id, search=search, limit=part.limit, offset=part.offset
        )
    items = [ProteinPredictions.model_validate(protein) for protein in found]
    return ProteinPage(items=items, limit=part.limit, offset=part.offset)


@router.get(
    "/{set_id}/proteins/{accession:path}",
    summary="Show what was predicted for a protein",
    description="Best first. A protein without predictions gives an empty list.",
    response_model=list[Prediction],
)
async def of_protein(set_id: UUID, accession: str, factory: FactoryParameter) -> Sequence[dict[str, Any]]:
    async with factory.unit_of_work() as work:
        store = PredictionStore(work.session)
        await store.get(set_id)
        return await store.of_protein(set_id, accession)
