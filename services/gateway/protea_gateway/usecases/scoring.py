"""Making scoring configurations: a user's own, and those that ship with PROTEA."""

from __future__ import annotations

from collections.abc import Callable

from protea_common.db import UnitOfWork
from protea_common.domain.scoring import PRESETS, ScoringRecipe
from protea_common.orm import ScoringConfig
from protea_gateway.adapters.storage.scoring import NewScoringConfig, ScoringConfigStore
from protea_gateway.domain.errors import NameTakenError

__all__ = ["CreateScoringConfig", "CreateScoringPresets"]


class CreateScoringConfig:
    """Checks a configuration as the predictor will, and writes it."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork]) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, new: NewScoringConfig) -> ScoringConfig:
        """Make a configuration.

        Raises
        ------
        InvalidScoringError
            If its formula, a signal, a cell or a weight is not valid.
        NameTakenError
            If there is one of this name.
        """
        ScoringRecipe.parse(
            formula=new.formula,
            weights=new.weights,
            evidence_weights=new.evidence_weights,
            cell_weights=new.cell_weights,
            missing=new.missing,
        )
        async with self._unit_of_work() as work:
            made = await ScoringConfigStore(work.session).add(new)
        if made is None:
            raise NameTakenError(f"There is a scoring configuration {new.name!r} already; choose another name.")
        return made


class CreateScoringPresets:
    """Writes the recipes that ship with PROTEA, those that are not there yet."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork]) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self) -> list[str]:
        """Make the missing ones; give their names."""
        async with self._unit_of_work() as work:
            store = ScoringConfigStore(work.session)
            made = [
                await store.add(
                    NewScoringConfig(
                        name=preset.name,
                        formula=preset.recipe.formula.value,
                        weights=preset.recipe.weights,
                        evidence_weights=preset.recipe.evidence_weights,
                        cell_weights=preset.recipe.cell_weights,
                        missing=preset.recipe.missing.value,
                        description=preset.description,
                        id=preset.id,
                    )
                )
                for preset in PRESETS.values()
            ]
        return [config.name for config in made if config is not None]
