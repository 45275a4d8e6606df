"""``/v1/scoring/configs``: how votes become scores."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response, status
from pydantic import BaseModel, ConfigDict, Field

from protea_common.orm import ScoringConfig
from protea_gateway.adapters.storage.scoring import NewScoringConfig, ScoringConfigStore
from protea_gateway.entrypoints.http.guard import GuardedRoute
from protea_gateway.entrypoints.http.parts import FactoryParameter, PageParameter

__all__ = ["router"]

router = APIRouter(prefix="/scoring/configs", tags=["scoring"], route_class=GuardedRoute)


class NewScoring(BaseModel):
    """A configuration to be made."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=255)
    formula: str = Field(default="linear", description="linear or evidence_weighted.")
    weights: dict[str, float] = Field(
        description="Weight of each signal, in [0, 1].",
        examples=[{"embedding_similarity": 0.5, "neighbor_vote_fraction": 0.5}],
    )
    evidence_weights: dict[str, float] | None = Field(
        default=None, description="Weight of single evidence codes, in [0, 1].", examples=[{"IEA": 0.3}]
    )
    cell_weights: dict[str, dict[str, float]] | None = Field(
        default=None,
        max_length=9,
        description=(
            "Instead of weights, by how much is known of the protein (nk, lk, pk) in which aspect: nk-mfo to pk-cco. "
            "Cells left out have weights."
        ),
        examples=[{"pk-bpo": {"profile_vote": 1.0}}],
    )
    missing: str = Field(
        default="skip",
        max_length=8,
        description="skip leaves a signal that a term lacks out of the mean; with zero it counts as 0.",
    )
    description: str | None = Field(default=None, max_length=20_000)


class Scoring(BaseModel):
    """A configuration; never changed."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    formula: str
    weights: dict[str, float]
    evidence_weights: dict[str, float] | None
    cell_weights: dict[str, dict[str, float]] | None
    missing: str
    description: str | None
    created_at: datetime


class CreatedPresets(BaseModel):
    """Configurations that were made."""

    created: list[str] = Field(description="Names of those that were not there yet.")


@router.get("", summary="List scoring configurations", description="By name.", response_model=list[Scoring])
async def page(factory: FactoryParameter, part: PageParameter) -> Sequence[ScoringConfig]:
    async with factory.unit_of_work() as work:
        return await ScoringConfigStore(work.session).page(limit=part.limit, offset=part.offset)


@router.post("", status_code=status.HTTP_201_CREATED, summary="Make a scoring configuration", response_model=Scoring)
async def create(new: NewScoring, response: Response, factory: FactoryParameter) -> ScoringConfig:
    made = await factory.create_create_scoring_config()(NewScoringConfig(**new.model_dump()))
    response.headers["Location"] = f"/v1/scoring/configs/{made.id}"
    return made


@router.post(
    "/presets",
    status_code=status.HTTP_201_CREATED,
    summary="Make the configurations that ship with PROTEA",
    description="Those that are there already stay as they are.",
)
async def create_presets(factory: FactoryParameter) -> CreatedPresets:
    return CreatedPresets(created=await factory.create_create_scoring_presets()())


@router.get("/{config_id}", summary="Show a scoring configuration", response_model=Scoring)
async def show(config_id: UUID, factory: FactoryParameter) -> ScoringConfig:
    async with factory.unit_of_work() as work:
        return await ScoringConfigStore(work.session).get(config_id)


@router.delete(
    "/{config_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a scoring configuration",
    description="One that is in use is a 409.",
)
async def delete(config_id: UUID, factory: FactoryParameter) -> None:
    async with factory.unit_of_work() as work:
        await ScoringConfigStore(work.session).delete(config_id)
