"""``/v1/embeddings/configs``: recipes of embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response, status
from pydantic import BaseModel, ConfigDict, Field

from protea_common.operations import FitKmerEncoder, PredictGoTerms, RegisterEncoder
from protea_common.orm import EmbeddingConfig
from protea_gateway.adapters.storage.embeddings import EmbeddingConfigStore
from protea_gateway.entrypoints.http.guard import GuardedRoute
from protea_gateway.entrypoints.http.parts import CallerParameter, FactoryParameter, PageParameter
from protea_gateway.entrypoints.http.resources import Accepted, Deleted, submit_operation
from protea_gateway.usecases.jobs import AcceptedJob

__all__ = ["router"]

router = APIRouter(prefix="/embeddings", tags=["embeddings"], route_class=GuardedRoute)


class Recipe(BaseModel):
    """How vectors are made; never changed."""

    model_config = ConfigDict(from_attributes=True, protected_namespaces=())

    id: UUID = Field(description="Follows from the fields, so that the same recipe has the same id everywhere.")
    model_name: str
    model_backend: str
    weights_uri: str | None
    weights_digest: str | None
    layer_indices: list[int] = Field(description="Counted from the end, 0 is the last layer.")
    layer_agg: str
    pooling: str
    normalize_residues: bool
    normalize: bool
    max_length: int
    use_chunking: bool
    chunk_size: int
    chunk_overlap: int
    embedding_scale: float
    convention_version: int
    dimension: int | None
    is_language_model: bool
    licence: str | None = Field(description="Of the weights.")
    description: str | None
    display_name: str | None
    family: str | None
    param_count: int | None
    created_at: datetime


@router.get("/configs", summary="List embedding recipes", description="Newest first.", response_model=list[Recipe])
async def page(factory: FactoryParameter, part: PageParameter) -> Sequence[EmbeddingConfig]:
    async with factory.unit_of_work() as work:
        return await EmbeddingConfigStore(work.session).page(limit=part.limit, offset=part.offset)


@router.post(
    "/configs/fit-kmer", status_code=status.HTTP_202_ACCEPTED, summary="Fit the k-mer encoder", response_model=Accepted
)
async def fit_kmer(
    payload: FitKmerEncoder, response: Response, factory: FactoryParameter, caller: CallerParameter
) -> AcceptedJob:
    return await submit_operation("fit_kmer_encoder", payload, factory=factory, caller=caller, response=response)


@router.post(
    "/configs/register",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Register a protein language model",
    description="Its files come by POST /v1/uploads, or from a server's folder or a hub if the operator allows it.",
    response_model=Accepted,
)
async def register(
    payload: RegisterEncoder, response: Response, factory: FactoryParameter, caller: CallerParameter
) -> AcceptedJob:
    return await submit_operation("register_encoder", payload, factory=factory, caller=caller, response=response)


@router.get("/configs/{config_id}", summary="Show an embedding recipe", response_model=Recipe)
async def show(config_id: UUID, factory: FactoryParameter) -> EmbeddingConfig:
    async with factory.unit_of_work() as work:
        return await EmbeddingConfigStore(work.session).get(config_id)


@router.delete("/configs/{config_id}", summary="Delete an embedding recipe", description="One that is in use is a 409.")
async def delete(config_id: UUID, factory: FactoryParameter) -> Deleted:
    async with factory.unit_of_work() as work:
        await EmbeddingConfigStore(work.session).delete(config_id)
    return Deleted(deleted=config_id)


@router.post(
    "/predict",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Predict GO terms",
    description="For a query set whose sequences are embedded already; /v1/annotate does both.",
    response_model=Accepted,
)
async def predict(
    payload: PredictGoTerms, response: Response, factory: FactoryParameter, caller: CallerParameter
) -> AcceptedJob:
    return await submit_operation("predict_go_terms", payload, factory=factory, caller=caller, response=response)
