"""Table ``calibration_model``, and the scores that a calibration is fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.errors import PermanentError
from protea_common.orm import CalibrationModel
from protea_common.scored_terms import ScoredTerms, count_scored_terms, read_scored_terms
from protea_predictor.adapters.storage.inputs import NotFoundError

__all__ = [
    "CalibrationStore",
    "NewCalibration",
    "StoredCalibration",
    "TooManyPredictionsError",
]


class TooManyPredictionsError(PermanentError):
    """A calibration would be fitted to more predictions than the job allows."""

    slug: ClassVar[str] = "too-many-predictions"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCalibration:
    """Columns of a calibration's row."""

    id: UUID
    evaluation_set_id: UUID
    prediction_set_id: UUID
    job_id: UUID
    artifact_uri: str
    content_sha256: str
    candidate_count: int
    method: Mapping[str, Any]
    metrics: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredCalibration:
    """What predicting needs to know of a calibration."""

    id: UUID
    evaluation_set_id: UUID | None
    artifact_uri: str
    content_sha256: str
    method: Mapping[str, Any]


class CalibrationStore:
    """Calibrations never change."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, new: NewCalibration) -> None:
        """Write a calibration; one of the same id, which the same job wrote, stays."""
        await self._session.execute(upsert(CalibrationModel).values(**asdict(new)).on_conflict_do_nothing())

    async def read(self, calibration_id: UUID) -> StoredCalibration:
        """Read a calibration.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        columns = select(
            CalibrationModel.id,
            CalibrationModel.evaluation_set_id,
            CalibrationModel.artifact_uri,
            CalibrationModel.content_sha256,
            CalibrationModel.method,
        )
        row = (await self._session.execute(columns.where(CalibrationModel.id == calibration_id))).one_or_none()
        if row is None:
            raise NotFoundError("calibration", calibration_id)
        return StoredCalibration(*row)

    async def scored(self, prediction_set_id: UUID, accessions: Sequence[str], *, max_rows: int) -> ScoredTerms:
        """Read the predictions for some proteins.

        Raises
        ------
        TooManyPredictionsError
            If there are more than ``max_rows``; none is read then.
        """
        count = await count_scored_terms(self._session, prediction_set_id, accessions)
        if count > max_rows:
            raise TooManyPredictionsError(
                f"The prediction set has {count} predictions for the proteins of the window, and max_rows is "
                f"{max_rows}; raise it, or predict fewer proteins."
            )
        return await read_scored_terms(self._session, prediction_set_id, accessions)
