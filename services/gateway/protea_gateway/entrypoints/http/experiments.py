"""``/v1/experiment-runs``: what was tried, from what, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from protea_common.domain.experiment_axes import ExperimentAxes
from protea_common.orm import ExperimentRun, ExperimentRunStatus
from protea_gateway.adapters.storage.experiments import ExperimentRunStore, NewExperimentRun
from protea_gateway.domain.errors import AxesTakenError, NameTakenError
from protea_gateway.entrypoints.http.guard import GuardedRoute
from protea_gateway.entrypoints.http.parts import CallerParameter, FactoryParameter, PageParameter

__all__ = ["router"]

router = APIRouter(prefix="/experiment-runs", tags=["experiments"], route_class=GuardedRoute)

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=190)]
Prose = Annotated[str | None, Field(max_length=20_000)]
Tags = Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=64)]], Field(max_length=32)]


Word = Annotated[str | None, Field(max_length=4_000)]


class Axes(BaseModel):
    """Where an experiment stands among others; what does not apply, or differs inside it, is null."""

    plm: Word = Field(default=None, description="Model that embeds the proteins.", examples=["kmer"])
    k: int | None = Field(default=None, ge=1, le=100, description="Neighbours per query, in each pool.")
    reranker_spec_id: Word = Field(default=None, description="Boosters that score, by their names.")
    feature_schema_sha: str | None = Field(
        default=None, max_length=16, description="Of the names of the features that the boosters were trained on."
    )
    schema_sha_v2: str | None = Field(default=None, max_length=64, description="Of their names and definitions.")
    eval_set_name: Word = Field(default=None, description="Window that it is measured on.")
    eval_set_manifest_sha: str | None = Field(
        default=None, max_length=64, description="SHA-256 over what the window is made from."
    )
    propagation: Word = Field(default=None, description="How scores reach ancestors.", examples=["fill"])
    ensemble_spec: dict[str, Any] | None = Field(
        default=None, description="What makes a score out of the rest: recipe, calibration, choices."
    )

    def values(self) -> ExperimentAxes:
        """Give them as the library takes them."""
        return ExperimentAxes(**{each.name: getattr(self, each.name) for each in fields(ExperimentAxes)})


class NewExperiment(Axes):
    """An experiment that is planned."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    description: Prose = None
    hypothesis: Prose = Field(default=None, description="What is expected, said before it is measured.")
    config: dict[str, Any] = Field(default_factory=dict, description="What is to be done.")
    provenance: dict[str, Any] = Field(default_factory=dict, description="Versions and digests of all that takes part.")
    tags: Tags = Field(default_factory=list)


class ExperimentChanges(BaseModel):
    """What changes; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    description: Prose = None
    hypothesis: Prose = None
    findings: Prose = Field(default=None, description="What came of it.")
    status: ExperimentRunStatus = ExperimentRunStatus.PLANNED
    provenance: dict[str, Any] = Field(default_factory=dict, description="In place of what is there.")
    tags: Tags = Field(default_factory=list)


class Experiment(Axes):
    """An experiment run."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    description: str | None
    hypothesis: str | None
    findings: str | None
    status: ExperimentRunStatus
    config: dict[str, Any]
    provenance: dict[str, Any] = Field(description="Versions and digests of all that takes part, and who began it.")
    tags: list[str]
    axis_tuple_shortid: str | None = Field(
        description="Of all axes: first 12 hex digits of SHA-256 over their canonical JSON; no two runs share one."
    )
    created_at: datetime
    started_at: datetime | None = Field(description="When it was RUNNING first.")
    finished_at: datetime | None = Field(description="When it was DONE or ABANDONED first.")


@router.post("", status_code=status.HTTP_201_CREATED, summary="Plan an experiment", response_model=Experiment)
async def create(
    new: NewExperiment, response: Response, factory: FactoryParameter, caller: CallerParameter
) -> ExperimentRun:
    axes = new.values()
    run = NewExperimentRun(
        name=new.name,
        description=new.description,
        hypothesis=new.hypothesis,
        config=new.config,
        provenance={**new.provenance, "api_key_prefix": caller.key_prefix},
        tags=new.tags,
        axes=axes,
    )
    async with factory.unit_of_work() as work:
        store = ExperimentRunStore(work.session)
        made = await store.add(run)
        same = None if made is not None else await store.name_at(axes)
    if same is not None and same != new.name:
        raise AxesTakenError(f"The experiment run {same!r} has the same values on all axes; go on with that one.")
    if made is None:
        raise NameTakenError(f"There is an experiment run {new.name!r} already; choose another name.")
    response.headers["Location"] = f"/v1/experiment-runs/{made.id}"
    return made


@router.get("", summary="List experiment runs", description="Newest first.", response_model=list[Experiment])
async def page(
    factory: FactoryParameter,
    part: PageParameter,
    wanted: Annotated[ExperimentRunStatus | None, Query(alias="status", description="In either case.")] = None,
    name: Annotated[str | None, Query(max_length=190, description="Only the one of this name.")] = None,
    axes: Annotated[
        str | None, Query(alias="axis_tuple_shortid", max_length=12, description="Only the one at this point.")
    ] = None,
) -> Sequence[ExperimentRun]:
    async with factory.unit_of_work() as work:
        return await ExperimentRunStore(work.session).page(
            status=wanted, name=name, axis_tuple_shortid=axes, limit=part.limit, offset=part.offset
        )


@router.get("/{run_id}", summary="Show an experiment run", response_model=Experiment)
async def show(run_id: UUID, factory: FactoryParameter) -> ExperimentRun:
    async with factory.unit_of_work() as work:
        return await ExperimentRunStore(work.session).get(run_id)


@router.patch("/{run_id}", summary="Change an experiment run", response_model=Experiment)
async def change(run_id: UUID, changes: ExperimentChanges, factory: FactoryParameter) -> ExperimentRun:
    given = {name: getattr(changes, name) for name in changes.model_fields_set}
    async with factory.unit_of_work() as work:
        store = ExperimentRunStore(work.session)
        if "provenance" in given:
            began = (await store.get(run_id)).provenance.get("api_key_prefix")
            given["provenance"] = {**given["provenance"], "api_key_prefix": began}
        return await store.change(run_id, given)


@router.delete(
    "/{run_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete an experiment run",
    description="What it measured stays.",
)
async def delete(run_id: UUID, factory: FactoryParameter) -> None:
    async with factory.unit_of_work() as work:
        await ExperimentRunStore(work.session).delete(run_id)
