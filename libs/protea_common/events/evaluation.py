"""Events of the evaluator."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from protea_common.events.envelope import Event

__all__ = ["EvaluationDone"]


class EvaluationDone(Event):
    """A prediction set was measured."""

    type: ClassVar[str] = "evaluation.done"
    job_id: UUID = Field(description="Job that measured it.")
    evaluation_result_id: UUID = Field(description="The result.")
    evaluation_set_id: UUID = Field(description="Ground truth that it was measured on.")
    prediction_set_id: UUID = Field(description="Predictions that were measured.")
