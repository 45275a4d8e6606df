"""``/v1/datasets``, ``/v1/reranker-models``, ``/v1/calibrations``: training data, and what is learnt from windows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field

from protea_common.operations import ExportResearchDataset, FitCalibration, ImportReranker, TrainReranker
from protea_common.orm import CalibrationModel, Dataset, RerankerModel
from protea_gateway.adapters.storage.training import CalibrationStore, DatasetStore, RerankerStore
from protea_gateway.entrypoints.http.guard import GuardedRoute
from protea_gateway.entrypoints.http.parts import CallerParameter, FactoryParameter, PageParameter
from protea_gateway.entrypoints.http.resources import Accepted, submit_operation
from protea_gateway.usecases.jobs import AcceptedJob

__all__ = ["router"]

router = APIRouter(tags=["training"], route_class=GuardedRoute)


class DatasetResource(BaseModel):
    """Frozen candidates with features and labels."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    job_id: UUID | None
    train_uri: str | None
    eval_uri: str | None
    manifest_uri: str
    manifest_sha: str | None = Field(description="SHA-256 of the manifest.")
    schema_sha: str = Field(description="Fingerprint of the features' names.")
    schema_sha_v2: str | None = Field(description="Fingerprint of their names and definitions.")
    n_train_rows: int
    n_eval_rows: int
    k: int
    embedding_config_id: UUID | None
    ontology_snapshot_id: UUID | None
    train_snapshot_pairs: list[str]
    eval_snapshot_pair: str | None
    producer_version: str | None
    meta: dict[str, Any]
    created_at: datetime


class RerankerResource(BaseModel):
    """A booster that scores candidates of a category anew."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    category: str = Field(examples=["nk"])
    aspect: str | None = Field(description="Null for all three.", examples=["bpo"])
    artifact_uri: str | None
    metrics: dict[str, Any]
    feature_importance: dict[str, Any]
    feature_schema_sha: str | None
    schema_sha_v2: str | None
    dataset_id: UUID | None
    evaluation_set_id: UUID | None
    embedding_config_id: UUID | None
    ontology_snapshot_id: UUID | None
    external_source: str | None
    producer_version: str | None
    spec_yaml: str | None
    created_at: datetime


class CalibrationResource(BaseModel):
    """Curves from score to probability, fitted to the scores of a method."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    evaluation_set_id: UUID | None = Field(description="Window that it was fitted on; null once that is deleted.")
    prediction_set_id: UUID | None = Field(description="Predictions that it was fitted to; null once deleted.")
    job_id: UUID | None
    artifact_uri: str
    content_sha256: str = Field(description="Of the file with the curves.")
    candidate_count: int = Field(description="Predictions that it was fitted to.")
    method: dict[str, Any] = Field(description="How the scores came about; other scores are refused.")
    metrics: dict[str, Any] = Field(description="By aspect: expected calibration error before and after.")
    created_at: datetime


class CalibrationDetail(CalibrationResource):
    """A calibration with its curves."""

    curves: dict[str, Any] = Field(
        description="By cell (nk-mfo): scores, rising, and the probability at each; straight between, level outside."
    )


@router.post(
    "/datasets", status_code=status.HTTP_202_ACCEPTED, summary="Export a research dataset", response_model=Accepted
)
async def export(
    payload: ExportResearchDataset, response: Response, factory: FactoryParameter, caller: CallerParameter
) -> AcceptedJob:
    return await submit_operation("export_research_dataset", payload, factory=factory, caller=caller, response=response)


@router.get("/datasets", summary="List datasets", description="Newest first.", response_model=list[DatasetResource])
async def datasets(
    factory: FactoryParameter,
    part: PageParameter,
    name_like: Annotated[str | None, Query(max_length=190, description="Part of the name.")] = None,
    embedding_config_id: UUID | None = None,
) -> Sequence[Dataset]:
    async with factory.unit_of_work() as work:
        return await DatasetStore(work.session).page(
            name_like=name_like, embedding_config_id=embedding_config_id, limit=part.limit, offset=part.offset
        )


@router.get("/datasets/{dataset_id}", summary="Show a dataset", response_model=DatasetResource)
async def dataset(dataset_id: UUID, factory: FactoryParameter) -> Dataset:
    async with factory.unit_of_work() as work:
        return await DatasetStore(work.session).get(dataset_id)


@router.post(
    "/reranker-models/train",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Train a re-ranker on a dataset",
    response_model=Accepted,
)
async def train(
    payload: TrainReranker, response: Response, factory: FactoryParameter, caller: CallerParameter
) -> AcceptedJob:
    return await submit_operation("train_reranker", payload, factory=factory, caller=caller, response=response)


@router.post(
    "/reranker-models/import",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Take in a booster that was trained elsewhere",
    description="Upload LightGBM's text file first (POST /v1/uploads), and name it by its source_uri.",
    response_model=Accepted,
)
async def take_in(
    payload: ImportReranker, response: Response, factory: FactoryParameter, caller: CallerParameter
) -> AcceptedJob:
    return await submit_operation("import_reranker", payload, factory=factory, caller=caller, response=response)


@router.get(
    "/reranker-models", summary="List re-rankers", description="By name.", response_model=list[RerankerResource]
)
async def rerankers(factory: FactoryParameter, part: PageParameter) -> Sequence[RerankerModel]:
    async with factory.unit_of_work() as work:
        return await RerankerStore(work.session).page(limit=part.limit, offset=part.offset)


@router.get("/reranker-models/{reranker_id}", summary="Show a re-ranker", response_model=RerankerResource)
async def reranker(reranker_id: UUID, factory: FactoryParameter) -> RerankerModel:
    async with factory.unit_of_work() as work:
        return await RerankerStore(work.session).get(reranker_id)


@router.delete(
    "/reranker-models/{reranker_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a re-ranker",
    description="Predictions keep the scores that it gave them.",
)
async def delete(reranker_id: UUID, factory: FactoryParameter) -> None:
    async with factory.unit_of_work() as work:
        await RerankerStore(work.session).delete(reranker_id)


@router.post(
    "/calibrations/fit",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Fit a calibration to predictions",
    response_model=Accepted,
)
async def fit(
    payload: FitCalibration, response: Response, factory: FactoryParameter, caller: CallerParameter
) -> AcceptedJob:
    return await submit_operation("fit_calibration", payload, factory=factory, caller=caller, response=response)


@router.get(
    "/calibrations", summary="List calibrations", description="Newest first.", response_model=list[CalibrationResource]
)
async def calibrations(factory: FactoryParameter, part: PageParameter) -> Sequence[CalibrationModel]:
    async with factory.unit_of_work() as work:
        return await CalibrationStore(work.session).page(limit=part.limit, offset=part.offset)


@router.get("/calibrations/{calibration_id}", summary="Show a calibration", description="With its curves.")
async def calibration(calibration_id: UUID, factory: FactoryParameter) -> CalibrationDetail:
    found, curves = await factory.create_read_calibration()(calibration_id)
    return CalibrationDetail(**CalibrationResource.model_validate(found).model_dump(), curves=curves)
