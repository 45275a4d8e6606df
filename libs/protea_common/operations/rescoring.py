"""Payload of ``rescore_predictions``."""

from __future__ import annotations

from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from protea_common.operations.payload import OperationPayload

__all__ = ["RescorePredictions"]


class RescorePredictions(OperationPayload):
    """Parameters of ``rescore_predictions``: one new prediction set for each recipe, in the order of the recipes."""

    prediction_set_id: UUID = Field(description="Predictions to score anew, neither calibrated nor cut off.")
    scoring_config_ids: tuple[UUID, ...] = Field(
        default=(), max_length=20, description="Recipes, each once; none leaves the scores as they are."
    )
    calibration_id: UUID | None = Field(
        default=None, description="Curves that make probabilities of the scores; null for scores as they are."
    )
    abstain_below: float = Field(
        default=0.0, ge=0, lt=1, description="Terms that score below it, after calibration, are not stored."
    )

    @model_validator(mode="after")
    def _require_something_to_do(self) -> Self:
        if len(set(self.scoring_config_ids)) < len(self.scoring_config_ids):
            raise ValueError("scoring_config_ids names a recipe twice; name each once.")
        if not self.scoring_config_ids and self.calibration_id is None:
            raise ValueError("nothing would change; give scoring_config_ids, a calibration_id, or both.")
        return self
