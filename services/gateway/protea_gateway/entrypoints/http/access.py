"""``/v1/auth/api-keys``: who may change things."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, Field

from protea_common.orm import ApiKey
from protea_gateway.adapters.storage.access import ApiKeyStore
from protea_gateway.entrypoints.http.guard import PrivateRoute
from protea_gateway.entrypoints.http.parts import FactoryParameter, PageParameter
from protea_gateway.usecases.access import NewApiKey

__all__ = ["router"]

router = APIRouter(prefix="/auth/api-keys", tags=["access"], route_class=PrivateRoute)


class KeyName(BaseModel):
    """What a key is for."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=255)


class CreatedKey(BaseModel):
    """A new key."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    key: str = Field(description="Shown this once.")
    prefix: str
    created_at: datetime


class KeySummary(BaseModel):
    """A key in a list."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    prefix: str = Field(description="Its first characters.")
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@router.post("", status_code=status.HTTP_201_CREATED, summary="Make an API key", response_model=CreatedKey)
async def create(wanted: KeyName, factory: FactoryParameter) -> NewApiKey:
    return await factory.create_create_api_key()(wanted.name)


@router.get("", summary="List API keys", description="Newest first, revoked ones too.", response_model=list[KeySummary])
async def page(factory: FactoryParameter, part: PageParameter) -> Sequence[ApiKey]:
    async with factory.unit_of_work() as work:
        return await ApiKeyStore(work.session).page(limit=part.limit, offset=part.offset)


@router.delete(
    "/{key_id}", status_code=status.HTTP_204_NO_CONTENT, summary="Revoke an API key", description="For good."
)
async def revoke(key_id: UUID, factory: FactoryParameter) -> None:
    async with factory.unit_of_work() as work:
        await ApiKeyStore(work.session).revoke(key_id)
