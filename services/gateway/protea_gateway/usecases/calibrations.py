"""Calibrations with their curves, which lie in the artifact store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.orm import CalibrationModel
from protea_common.storage import ArtifactStore
from protea_gateway.adapters.storage.training import CalibrationStore

__all__ = ["CurvesDamagedError", "ReadCalibration"]


class CurvesDamagedError(PermanentError):
    """The file of a calibration is not the one that was written."""

    slug: ClassVar[str] = "curves-damaged"
    status: ClassVar[int] = 409


class ReadCalibration:
    """Reads a calibration with its curves."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts

    async def __call__(self, calibration_id: UUID) -> tuple[CalibrationModel, dict[str, Any]]:
        """Give the row, and the curves by cell.

        Raises
        ------
        NotFoundError
            If there is no such calibration.
        ArtifactNotFoundError, CurvesDamagedError
            If its file is gone, or another one.
        """
        async with self._unit_of_work() as work:
            found = await CalibrationStore(work.session).get(calibration_id)
        content = await self._artifacts.get(self._artifacts.key_from_uri(found.artifact_uri))
        if hashlib.sha256(content).hexdigest() != found.content_sha256:
            raise CurvesDamagedError(f"The curves of calibration {calibration_id} are damaged; fit it again.")
        return found, dict(json.loads(content)["curves"])
