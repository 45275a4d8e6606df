"""Scoring configurations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import PredictionSet, ScoringConfig
from protea_gateway.adapters.storage.lookup import delete_unused, find

__all__ = ["NewScoringConfig", "ScoringConfigStore"]


@dataclass(frozen=True, slots=True)
class NewScoringConfig:
    """A configuration to be written; its recipe has been checked."""

    name: str
    formula: str
    weights: Mapping[str, float]
    evidence_weights: Mapping[str, float] | None
    description: str | None
    cell_weights: Mapping[str, Mapping[str, float]] | None = None
    missing: str = "skip"
    id: UUID = field(default_factory=uuid4)


class ScoringConfigStore:
    """Reads and writes scoring configurations."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, *, limit: int, offset: int) -> Sequence[ScoringConfig]:
        """List configurations by name."""
        query = select(ScoringConfig).order_by(ScoringConfig.name).limit(limit).offset(offset)
        return (await self._session.scalars(query)).all()

    async def get(self, config_id: UUID) -> ScoringConfig:
        """Read a configuration, or raise `NotFoundError`."""
        return await find(self._session, ScoringConfig, config_id)

    async def add(self, new: NewScoringConfig) -> ScoringConfig | None:
        """Write a configuration; ``None`` if its name is taken."""
        statement = (
            upsert(ScoringConfig)
            .values(
                id=new.id,
                name=new.name,
                formula=new.formula,
                weights=dict(new.weights),
                evidence_weights=None if new.evidence_weights is None else dict(new.evidence_weights),
                cell_weights=None if new.cell_weights is None else {k: dict(v) for k, v in new.cell_weights.items()},
                missing=new.missing,
                description=new.description,
            )
            .on_conflict_do_nothing()
            .returning(ScoringConfig)
        )
        return (await self._session.scalars(statement)).one_or_none()

    async def delete(self, config_id: UUID) -> None:
        """Delete a configuration, or raise `InUseError`: without it, predictions would seem scored by default."""
        users = {"prediction sets": PredictionSet.scoring_config_id}
        await delete_unused(self._session, ScoringConfig, config_id, users=users)
