"""``/v1/annotations/evaluation-sets``: what predictions are measured against, and how they did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field

from protea_common.operations import GenerateEvaluationSet, RunCafaEvaluation
from protea_common.orm import EvaluationResult, EvaluationSet
from protea_gateway.adapters.storage.evaluations import EvaluationStore
from protea_gateway.entrypoints.http.guard import GuardedRoute
from protea_gateway.entrypoints.http.parts import CallerParameter, FactoryParameter, PageParameter
from protea_gateway.entrypoints.http.resources import Accepted, submit_operation
from protea_gateway.entrypoints.http.streams import FileDownload, documented_as
from protea_gateway.usecases.ground_truth import CATEGORIES
from protea_gateway.usecases.jobs import AcceptedJob

__all__ = ["router"]

router = APIRouter(prefix="/annotations/evaluation-sets", tags=["evaluation"], route_class=GuardedRoute)

REPORT = documented_as("text/html", "Figures, curves, calibration and strata in one file.")
FASTA = documented_as("text/x-fasta", "By accession; the header names the categories in parentheses.")
PAIRS = documented_as("text/tab-separated-values", "Protein and term, sorted, without a header.")


class PairFile(StrEnum):
    """The files of a set: what proteins gained, by what was known before, and what was known."""

    NO_KNOWLEDGE = "ground-truth-NK"
    LIMITED_KNOWLEDGE = "ground-truth-LK"
    PARTIAL_KNOWLEDGE = "ground-truth-PK"
    KNOWN = "known-terms"


class ProteinChoice(StrEnum):
    """Which of a set's proteins, by what was known before."""

    ALL = "all"
    NO_KNOWLEDGE = "nk"
    LIMITED_KNOWLEDGE = "lk"
    PARTIAL_KNOWLEDGE = "pk"


class EvaluationSetResource(BaseModel):
    """What was learnt between two annotation sets."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    old_annotation_set_id: UUID = Field(description="Annotations at t0.")
    new_annotation_set_id: UUID = Field(description="Annotations at t1.")
    job_id: UUID | None
    stats: dict[str, Any] = Field(description="Proteins and annotations per category of knowledge.")
    window_role: str | None = Field(description="valid to select on, test to report on.")
    holdout_waiver: str | None = Field(description="Why it has its role though the date of a release is unknown.")
    pivot_snapshot_id: UUID = Field(description="Ontology in which the two sets are compared.")
    drops_binding_only: bool = Field(
        description="Whether protein binding is no truth where a protein gained nothing else in molecular function."
    )
    groundtruth_uri: str | None
    created_at: datetime


class ToBeMeasured(BaseModel):
    """Predictions to be measured."""

    model_config = ConfigDict(extra="forbid")

    prediction_set_id: UUID


class Result(BaseModel):
    """How a prediction set did."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    evaluation_set_id: UUID
    prediction_set_id: UUID
    scoring_config_id: UUID | None
    job_id: UUID | None
    results: dict[str, Any] = Field(
        description="Category (NK, LK, PK), then aspect (MFO, BPO, CCO), then measure. What was not measured is absent."
    )
    evaluator: dict[str, Any] = Field(
        description="Engine, version and recipe: figures that differ here do not compare."
    )
    created_at: datetime


@router.post("/generate", status_code=status.HTTP_202_ACCEPTED, summary="Find what was learnt", response_model=Accepted)
async def generate(
    payload: GenerateEvaluationSet, response: Response, factory: FactoryParameter, caller: CallerParameter
) -> AcceptedJob:
    return await submit_operation("generate_evaluation_set", payload, factory=factory, caller=caller, response=response)


@router.get("", summary="List evaluation sets", description="Newest first.", response_model=list[EvaluationSetResource])
async def page(factory: FactoryParameter, part: PageParameter) -> Sequence[EvaluationSet]:
    async with factory.unit_of_work() as work:
        return await EvaluationStore(work.session).page(limit=part.limit, offset=part.offset)


@router.get("/{set_id}", summary="Show an evaluation set", response_model=EvaluationSetResource)
async def show(set_id: UUID, factory: FactoryParameter) -> EvaluationSet:
    async with factory.unit_of_work() as work:
        return await EvaluationStore(work.session).get(set_id)


@router.delete(
    "/{set_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete an evaluation set",
    description="With its results and files.",
)
async def delete(set_id: UUID, factory: FactoryParameter) -> None:
    await factory.create_delete_evaluation_set()(set_id)


@router.post(
    "/{set_id}/run", status_code=status.HTTP_202_ACCEPTED, summary="Measure predictions", response_model=Accepted
)
async def run(
    set_id: UUID, body: ToBeMeasured, response: Response, factory: FactoryParameter, caller: CallerParameter
) -> AcceptedJob:
    payload = RunCafaEvaluation(evaluation_set_id=set_id, prediction_set_id=body.prediction_set_id)
    return await submit_operation("run_cafa_evaluation", payload, factory=factory, caller=caller, response=response)


@router.get("/{set_id}/results", summary="List results", description="Newest first.", response_model=list[Result])
async def results(set_id: UUID, factory: FactoryParameter, part: PageParameter) -> Sequence[EvaluationResult]:
    async with factory.unit_of_work() as work:
        return await EvaluationStore(work.session).results(set_id, limit=part.limit, offset=part.offset)


@router.get("/{set_id}/results/{result_id}", summary="Show a result", response_model=Result)
async def result(set_id: UUID, result_id: UUID, factory: FactoryParameter) -> EvaluationResult:
    async with factory.unit_of_work() as work:
        return await EvaluationStore(work.session).get_result(set_id, result_id)


@router.get(
    "/{set_id}/results/{result_id}/report.html",
    summary="Download a report",
    description="Written by the operation `write_evaluation_report`.",
    status_code=status.HTTP_200_OK,
    response_class=FileDownload,
    responses=REPORT,
)
async def report(set_id: UUID, result_id: UUID, factory: FactoryParameter) -> FileDownload:
    content = await factory.create_read_report()(set_id, result_id)
    return FileDownload(content, filename="report.html", media_type="text/html; charset=utf-8")


@router.get(
    "/{set_id}/delta-proteins.fasta",
    summary="Download the proteins that gained terms",
    description="Those with a stored sequence; a query set of them is what predictions for an evaluation are made for.",
    status_code=status.HTTP_200_OK,
    response_class=FileDownload,
    responses=FASTA,
)
async def delta_proteins(
    set_id: UUID,
    factory: FactoryParameter,
    category: Annotated[ProteinChoice, Query(description="What was known of them before.")] = ProteinChoice.ALL,
) -> FileDownload:
    chosen = CATEGORIES if category is ProteinChoice.ALL else (category.upper(),)
    content = await factory.create_read_delta_proteins()(set_id, chosen)
    return FileDownload(content, filename="delta-proteins.fasta", media_type="text/x-fasta")


@router.get(
    "/{set_id}/{name}.tsv",
    summary="Download the ground truth",
    status_code=status.HTTP_200_OK,
    response_class=FileDownload,
    responses=PAIRS,
)
async def download(set_id: UUID, name: PairFile, factory: FactoryParameter) -> FileDownload:
    filename = f"{name}.tsv"
    return FileDownload(await factory.create_read_ground_truth()(set_id, filename), filename=filename)
