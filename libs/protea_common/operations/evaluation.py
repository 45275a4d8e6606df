"""Payloads of the evaluator's operations."""

from __future__ import annotations

from typing import Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from protea_common.operations.payload import OperationPayload

__all__ = ["GenerateEvaluationSet", "RunCafaEvaluation"]


class GenerateEvaluationSet(OperationPayload):
    """Parameters of ``generate_evaluation_set``."""

    old_annotation_set_id: UUID = Field(description="What was known at t0.")
    new_annotation_set_id: UUID = Field(description="What was known at t1.")
    window_role: Literal["valid", "test"] | None = Field(
        None,
        description=(
            "What the window between them is for: valid to stop training and to choose, test to report on; nothing is "
            "ever selected on a test window."
        ),
    )


class RunCafaEvaluation(OperationPayload):
    """Parameters of ``run_cafa_evaluation``."""

    evaluation_set_id: UUID = Field(description="Ground truth.")
    prediction_set_id: UUID = Field(description="Predictions to measure.")
    engine: Literal["protea", "cafaeval"] = Field(
        "protea", description="Our own measures, or the public evaluator as a program of its own, slower by far."
    )
    propagation: Literal["fill", "fill-closure", "max"] = Field(
        "fill",
        description=(
            "How scores reach terms above: fill gives them to terms without a score of their own, max to all; "
            "fill-closure is what cafaeval-protea calls fill."
        ),
    )
    normalisation: Literal["cafa", "pred", "gt"] = Field(
        "cafa",
        description=(
            "What averages are divided by: cafa takes precision over proteins with a prediction and the rest over all, "
            "pred and gt take all over the former or the latter."
        ),
    )
    thresholds: Literal["grid", "exact"] = Field(
        "grid", description="Measure at multiples of 0.01, or at every distinct score."
    )
    cohort: Literal["measurable", "annotated", "mixed"] = Field(
        "measurable",
        description=(
            "Which proteins without a novel term count: none; all; or, as cafaeval-protea does, only their predictions."
        ),
    )
    n_resamples: int = Field(
        1_000, ge=0, le=10_000, description="Samples of the proteins for the interval of Fmax; 0 for no interval."
    )

    @model_validator(mode="after")
    def _require_of_cafaeval_what_it_can(self) -> Self:
        asked = {"thresholds": self.thresholds, "cohort": self.cohort, "propagation": self.propagation}
        only_ours = [name for name, value in asked.items() if value in {"exact", "annotated", "mixed", "fill-closure"}]
        if self.engine == "cafaeval" and only_ours:
            message = f"cafaeval cannot measure with this {' and '.join(only_ours)}; take engine=protea"
            raise ValueError(message)
        return self
