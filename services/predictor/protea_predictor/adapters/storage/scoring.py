"""Table ``scoring_config``: the recipes that turn signals into scores, the presets among them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.domain.scoring import DEFAULT_PRESET, PRESETS, Preset, ScoringRecipe
from protea_common.orm import ScoringConfig
from protea_predictor.adapters.storage.inputs import NotFoundError

__all__ = ["ScoringStore", "StoredScoring"]


@dataclass(frozen=True, slots=True)
class StoredScoring:
    """A recipe with the id and the name under which it is stored."""

    id: UUID
    name: str
    recipe: ScoringRecipe


class ScoringStore:
    """Recipes never change once they are made; the presets are added where they are missing."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add_presets(self) -> None:
        """Add the presets whose names are not taken."""
        rows = [_preset_row(PRESETS[name]) for name in sorted(PRESETS)]
        await self._session.execute(upsert(ScoringConfig).values(rows).on_conflict_do_nothing())

    async def find(self, scoring_config_id: UUID | None) -> StoredScoring:
        """Read a recipe; ``None`` for the one under the default preset's name.

        Raises
        ------
        NotFoundError
            If there is none.
        InvalidScoringError
            If what is stored is no recipe.
        """
        wanted = (
            ScoringConfig.name == DEFAULT_PRESET.name
            if scoring_config_id is None
            else ScoringConfig.id == scoring_config_id
        )
        columns = select(
            ScoringConfig.id,
            ScoringConfig.name,
            ScoringConfig.formula,
            ScoringConfig.weights,
            ScoringConfig.evidence_weights,
            ScoringConfig.cell_weights,
            ScoringConfig.missing,
        )
        row = (await self._session.execute(columns.where(wanted))).one_or_none()
        if row is None:
            raise NotFoundError("scoring recipe", scoring_config_id or DEFAULT_PRESET.id)
        recipe = ScoringRecipe.parse(
            formula=row.formula,
            weights=row.weights,
            evidence_weights=row.evidence_weights,
            cell_weights=row.cell_weights,
            missing=row.missing,
        )
        return StoredScoring(row.id, row.name, recipe)


def _preset_row(preset: Preset) -> dict[str, object]:
    cells = preset.recipe.cell_weights
    return {
        "id": preset.id,
        "name": preset.name,
        "formula": preset.recipe.formula.value,
        "weights": dict(preset.recipe.weights),
        "evidence_weights": preset.recipe.evidence_weights,
        "cell_weights": None if cells is None else {cell: dict(weights) for cell, weights in cells.items()},
        "missing": preset.recipe.missing.value,
        "description": preset.description,
    }
