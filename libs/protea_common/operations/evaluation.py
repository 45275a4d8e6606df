"""Payloads of the evaluator's operations."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from protea_common.operations.payload import OperationPayload

__all__ = ["GenerateEvaluationSet", "RunCafaEvaluation"]


class GenerateEvaluationSet(OperationPayload):
    """Parameters of ``generate_evaluation_set``."""

    old_annotation_set_id: UUID = Field(description="What was known at t0.")
    new_annotation_set_id: UUID = Field(description="What was known at t1.")


class RunCafaEvaluation(OperationPayload):
    """Parameters of ``run_cafa_evaluation``."""

    evaluation_set_id: UUID = Field(description="Ground truth.")
    prediction_set_id: UUID = Field(description="Predictions to measure.")
