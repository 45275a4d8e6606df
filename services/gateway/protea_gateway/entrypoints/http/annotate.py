"""``/v1/annotate``: the main job."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Response, status
from pydantic import BaseModel, ConfigDict, Field

from protea_common.operations import AlignmentUse, AnnotationMethod
from protea_common.orm import ACTIVE_STATUSES, JobStatus
from protea_gateway.entrypoints.http.forms import FORM_LIMITS, FastaForm, received_fasta
from protea_gateway.entrypoints.http.guard import FastaRoute
from protea_gateway.entrypoints.http.parts import CallerParameter, FactoryParameter
from protea_gateway.usecases.annotate import AnnotationRequest, StartedAnnotation
from protea_gateway.usecases.annotation_status import AnnotationStatus

__all__ = ["router"]

router = APIRouter(prefix="/annotate", tags=["annotate"], route_class=FastaRoute, form_limits=FORM_LIMITS)


class AnnotateForm(FastaForm):
    """What to annotate, and how; what is left out is chosen for you."""

    name: str = Field(default="Quick annotation", min_length=1, max_length=255, description="Name of the run.")
    embedding_config_id: UUID | None = Field(
        default=None, description="Recipe to compare under; the newest that has embeddings of annotated proteins."
    )
    annotation_set_id: UUID | None = Field(
        default=None, description="Annotations to transfer; the newest usable set. Its own ontology release is used."
    )
    method: AnnotationMethod = Field(
        default=AnnotationMethod.NEIGHBOURS,
        description="neighbours: the nearest annotated proteins vote, which is fast. composite: aligned proteins, what "
        "is known already, partners and papers speak too, which is more accurate, slower, and needs MMseqs2.",
    )
    scoring_config_id: UUID | None = Field(
        default=None, description="How votes become scores; the method's own recipe without one."
    )
    limit_per_entry: int | None = Field(
        default=None, ge=1, le=100, description="Neighbours per protein, in each aspect: 5, or 50 for the composite."
    )
    alignment: AlignmentUse | None = Field(
        default=None,
        description="Whether references that MMseqs2 aligns with a protein give it terms too: off, required, or auto, "
        "which is where MMseqs2 is installed. Off, and required for the composite.",
    )


class StartedRun(BaseModel):
    """A run that was accepted."""

    job_id: UUID
    status_url: str = Field(description="Where its progress and result are.")
    query_set_id: UUID
    embedding_config_id: UUID
    annotation_set_id: UUID
    ontology_snapshot_id: UUID
    sequence_count: int = Field(description="Proteins in the file.")

    @classmethod
    def of(cls, started: StartedAnnotation) -> StartedRun:
        """Add the address."""
        names = (
            "job_id",
            "query_set_id",
            "embedding_config_id",
            "annotation_set_id",
            "ontology_snapshot_id",
            "sequence_count",
        )
        return cls(status_url=f"/v1/annotate/{started.job_id}", **{name: getattr(started, name) for name in names})


class RunProgress(BaseModel):
    """How far something is."""

    model_config = ConfigDict(from_attributes=True)

    current: int | None = Field(description="Units of the running step that are done; null while unknown.")
    total: int | None = Field(description="Units of the running step; null while unknown.")
    fraction: float = Field(ge=0, le=1, description="Share that is done.")


class RunStep(BaseModel):
    """One step of a run."""

    model_config = ConfigDict(from_attributes=True)

    operation: str
    job_id: UUID
    status: JobStatus
    progress: RunProgress


class RunLinks(BaseModel):
    """Where to go on; null where there is nothing yet, or nothing any more."""

    events: str = Field(description="The timeline.")
    stream: str = Field(description="The timeline as it grows, as Server-Sent Events.")
    predictions_tsv: str | None = Field(description="All columns.")
    predictions_cafa: str | None = Field(description="Protein, term and score.")
    cancel: str | None = Field(description="POST here to cancel.")


class RunError(BaseModel):
    """Why a run failed."""

    code: str | None
    message: str | None


class RunStatus(BaseModel):
    """Where a run stands, and its result."""

    job_id: UUID
    name: str | None
    status: JobStatus
    stage: str = Field(description="What is being done, for people.")
    progress: RunProgress
    steps: list[RunStep]
    created_at: datetime
    finished_at: datetime | None
    prediction_set_id: UUID | None
    links: RunLinks
    error: RunError | None
    trace_id: str | None = Field(description="Trace of the request that started it.")
    trace_url: str | None = Field(description="Its page in Jaeger; null where no Jaeger is configured.")

    @classmethod
    def of(cls, run: AnnotationStatus, *, trace_url: str | None) -> RunStatus:
        """Write a status for the outside."""
        job = run.job
        failed = job.error_code is not None or job.error_message is not None
        return cls(
            job_id=job.id,
            name=job.description,
            status=job.status,
            stage=run.stage,
            progress=RunProgress.model_validate(run.progress),
            steps=[RunStep.model_validate(step) for step in run.steps],
            created_at=job.created_at,
            finished_at=job.finished_at,
            prediction_set_id=run.prediction_set_id,
            links=_links(run),
            error=RunError(code=job.error_code, message=job.error_message) if failed else None,
            trace_id=job.trace_id,
            trace_url=trace_url,
        )


def _links(run: AnnotationStatus) -> RunLinks:
    job = f"/v1/jobs/{run.job.id}"
    found = None if run.prediction_set_id is None else f"/v1/embeddings/prediction-sets/{run.prediction_set_id}"
    return RunLinks(
        events=f"{job}/events",
        stream=f"{job}/stream",
        predictions_tsv=found and f"{found}/predictions.tsv",
        predictions_cafa=found and f"{found}/predictions-cafa.tsv",
        cancel=f"{job}/cancel" if run.job.status in ACTIVE_STATUSES else None,
    )


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Annotate proteins",
    description="Send a FASTA file (plain or gzip) or its text. The whole run goes on by itself; its status is one"
    " address. The same request while it runs is a 409 that names the run.",
)
async def start(
    form: Annotated[AnnotateForm, Form(media_type="multipart/form-data")],
    response: Response,
    factory: FactoryParameter,
    caller: CallerParameter,
) -> StartedRun:
    chosen = form.model_dump(include=AnnotateForm.model_fields.keys() - FastaForm.model_fields.keys())
    request = AnnotationRequest(file=received_fasta(form), **chosen)
    started = StartedRun.of(await factory.create_start_annotation()(request, key_prefix=caller.key_prefix))
    response.headers["Location"] = started.status_url
    return started


@router.get("/{job_id}", summary="Show an annotation run", description="Status, progress, steps, and its result.")
async def show(job_id: UUID, factory: FactoryParameter) -> RunStatus:
    run = await factory.create_show_annotation()(job_id)
    return RunStatus.of(run, trace_url=factory.trace_address(run.job.trace_id))
