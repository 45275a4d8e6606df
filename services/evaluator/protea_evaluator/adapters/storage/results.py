"""Evaluation results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.errors import PermanentError
from protea_common.orm import EvaluationResult as EvaluationResultRow

__all__ = ["EvaluationResult", "EvaluationResultNotFoundError", "EvaluationResultStore"]


class EvaluationResultNotFoundError(PermanentError):
    """No evaluation result has this id."""

    slug: ClassVar[str] = "evaluation-result-not-found"
    status: ClassVar[int] = 404


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """How a prediction set did on an evaluation set; for ``results`` and ``evaluator`` see the table."""

    id: UUID
    evaluation_set_id: UUID
    prediction_set_id: UUID
    scoring_config_id: UUID | None
    results: Mapping[str, Any]
    evaluator: Mapping[str, Any]


class EvaluationResultStore:
    """Table ``evaluation_result``."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, evaluation_result_id: UUID) -> EvaluationResult:
        """Read a result.

        Raises
        ------
        EvaluationResultNotFoundError
            If there is none.
        """
        row = await self._session.get(EvaluationResultRow, evaluation_result_id)
        if row is None:
            raise EvaluationResultNotFoundError(
                f"There is no evaluation result {evaluation_result_id}; measure first (operation run_cafa_evaluation)."
            )
        return EvaluationResult(
            id=row.id,
            evaluation_set_id=row.evaluation_set_id,
            prediction_set_id=row.prediction_set_id,
            scoring_config_id=row.scoring_config_id,
            results=row.results,
            evaluator=row.evaluator,
        )

    async def add(self, new: EvaluationResult, *, job_id: UUID) -> None:
        """Write a result; one that is there already stays as it is."""
        await self._session.execute(
            upsert(EvaluationResultRow)
            .values(
                id=new.id,
                evaluation_set_id=new.evaluation_set_id,
                prediction_set_id=new.prediction_set_id,
                scoring_config_id=new.scoring_config_id,
                job_id=job_id,
                results=dict(new.results),
                evaluator=dict(new.evaluator),
            )
            .on_conflict_do_nothing(index_elements=[EvaluationResultRow.id])
        )
