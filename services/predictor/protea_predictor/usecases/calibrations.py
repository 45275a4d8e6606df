"""Calibrations in memory: read from the artifact store once each, checked, and applied to predictions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, ClassVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.storage import ArtifactStore
from protea_predictor.adapters.storage import CalibrationStore, StoredCalibration
from protea_predictor.domain.calibrating import calibrated, without_unlikely
from protea_predictor.domain.calibration import Calibration
from protea_predictor.domain.isotonic import InvalidCalibrationError
from protea_predictor.domain.prediction import Prediction
from protea_predictor.domain.stored_ontology import StoredOntology
from protea_predictor.usecases.recently_used import RecentlyUsed

__all__ = ["CalibrationDamagedError", "CalibrationMismatchError", "Calibrations", "LoadedCalibration", "require_method"]


class CalibrationDamagedError(PermanentError):
    """The file of a calibration is not the one that was written; fit it again."""

    slug: ClassVar[str] = "calibration-damaged"


class CalibrationMismatchError(PermanentError):
    """The scores come about otherwise than those that the calibration was fitted to."""

    slug: ClassVar[str] = "calibration-mismatch"
    status: ClassVar[int] = 409


@dataclass(frozen=True, slots=True, eq=False)
class LoadedCalibration:
    """A calibration that was checked."""

    stored: StoredCalibration
    calibration: Calibration

    @property
    def receipt(self) -> dict[str, Any]:
        """What a prediction set says of it."""
        window = self.stored.evaluation_set_id
        return {
            "id": str(self.stored.id),
            "content_sha256": self.stored.content_sha256,
            "evaluation_set_id": None if window is None else str(window),
        }


class Calibrations:
    """Calibrations, the ones used last.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    artifacts
        Where the curves lie.
    executor
        Threads that map scores.
    capacity
        Calibrations kept.
    """

    def __init__(
        self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore, executor: Executor, capacity: int
    ) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts
        self._executor = executor
        self._kept = RecentlyUsed[UUID, LoadedCalibration](capacity=capacity)

    async def find(self, calibration_id: UUID | None) -> LoadedCalibration | None:
        """Give a calibration; ``None`` for none.

        Raises
        ------
        NotFoundError
            If it is not there.
        ArtifactNotFoundError, CalibrationDamagedError, InvalidCalibrationError
            If its file is gone, another one, or no calibration.
        """
        if calibration_id is None:
            return None
        return await self._kept.get(calibration_id, partial(self._load, calibration_id))

    async def apply(
        self,
        prediction: Prediction,
        calibration_id: UUID | None,
        *,
        categories: NDArray[np.int8],
        ontology: StoredOntology,
        abstain_below: float,
    ) -> Prediction:
        """Make probabilities of the scores of a prediction, and leave out what is below the abstain level.

        ``categories`` say how much is known of each query in each aspect, as `categories_of` gives it, shape
        ``(n_queries, 3)``.
        """
        loaded = await self.find(calibration_id)
        if loaded is not None:
            calibrate = partial(calibrated, prediction, loaded.calibration, ontology, categories=categories)
            prediction = await asyncio.get_running_loop().run_in_executor(self._executor, calibrate)
        return without_unlikely(prediction, abstain_below=abstain_below)

    async def _load(self, calibration_id: UUID) -> LoadedCalibration:
        async with self._unit_of_work() as work:
            stored = await CalibrationStore(work.session).read(calibration_id)
        content = await self._artifacts.get(self._artifacts.key_from_uri(stored.artifact_uri))
        if sha256(content).hexdigest() != stored.content_sha256:
            raise CalibrationDamagedError(
                f"The file of calibration {calibration_id} is not the one that was written; fit it again."
            )
        try:
            document = json.loads(content)
        except ValueError as exc:
            raise InvalidCalibrationError("This is no calibration; fit one with fit_calibration.") from exc
        return LoadedCalibration(stored, Calibration.from_json(document))


def require_method(loaded: LoadedCalibration, method: Mapping[str, Any]) -> None:
    """Refuse scores that come about otherwise than those of the fit.

    Raises
    ------
    CalibrationMismatchError
        Naming what differs.
    """
    fitted = loaded.stored.method
    other = sorted(name for name in {*fitted, *method} if fitted.get(name) != method.get(name))
    if other:
        raise CalibrationMismatchError(
            f"Calibration {loaded.stored.id} was fitted to scores of another {', '.join(other)}; ask for the same, or "
            "fit a calibration to predictions made like these."
        )
