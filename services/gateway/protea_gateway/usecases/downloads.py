"""Predictions as files, streamed while they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.orm import PredictionSetStatus
from protea_gateway.adapters.storage.predictions import TSV_COLUMNS, PredictionFilter, PredictionStore
from protea_gateway.domain.errors import PredictionsIncompleteError
from protea_gateway.domain.tables import SMALLEST_CAFA_SCORE, cafa_lines, tsv_lines

__all__ = ["DownloadPredictions"]


class DownloadPredictions:
    """Writes the predictions of a complete set, block by block.

    Both methods check the set before they return, so that a mistake is answered as one and not by an empty file.
    """

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork]) -> None:
        self._unit_of_work = unit_of_work

    async def as_table(self, set_id: UUID, wanted: PredictionFilter) -> AsyncIterator[bytes]:
        """Write all columns, with a header.

        Raises
        ------
        NotFoundError, PredictionsIncompleteError
            If there is no such set, or it may not be read yet.
        """
        await self._require_complete(set_id)
        return self._table(set_id, wanted)

    async def as_cafa(self, set_id: UUID, wanted: PredictionFilter) -> AsyncIterator[bytes]:
        """Write protein, term and score as the CAFA challenge reads them; raises as `as_table` does."""
        await self._require_complete(set_id)
        floor = max(SMALLEST_CAFA_SCORE, wanted.min_score or 0.0)
        return self._cafa(set_id, replace(wanted, min_score=floor))

    async def _require_complete(self, set_id: UUID) -> None:
        async with self._unit_of_work() as work:
            found = await PredictionStore(work.session).get(set_id)
        match found.status:
            case PredictionSetStatus.COMPLETE:
                return
            case PredictionSetStatus.GENERATING:
                advice = f"is still being made; wait until job {found.job_id} has succeeded."
            case PredictionSetStatus.ABANDONED:
                advice = "was given up before it was whole; predict again."
        raise PredictionsIncompleteError(f"The prediction set {set_id} {advice}")

    async def _table(self, set_id: UUID, wanted: PredictionFilter) -> AsyncIterator[bytes]:
        yield tsv_lines([TSV_COLUMNS])
        async with self._unit_of_work() as work:
            async for rows in PredictionStore(work.session).table(set_id, wanted):
                yield tsv_lines(rows)

    async def _cafa(self, set_id: UUID, wanted: PredictionFilter) -> AsyncIterator[bytes]:
        async with self._unit_of_work() as work:
            async for rows in PredictionStore(work.session).scores(set_id, wanted):
                yield cafa_lines(rows)
