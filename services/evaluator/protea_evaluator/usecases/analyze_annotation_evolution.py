"""What came, stayed and went between two annotation sets, and which of the new dates say little."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from protea_common.db import UnitOfWork
from protea_common.jobs import JobClaim, finish_job, record
from protea_common.operations import AnalyzeAnnotationEvolution
from protea_evaluator.adapters.storage import AnnotationStore, EvolutionStore
from protea_evaluator.domain.evolution import SourceDates, count_changes, dates_of_sources
from protea_evaluator.usecases.generate_evaluation_set import SameAnnotationSetError

__all__ = ["AnalyzeEvolution"]

_MOST_SOURCES = 100
"""Told in the result of a job; GOA has some forty, in up to four groups of evidence codes."""


class AnalyzeEvolution:
    """Use case of ``analyze_annotation_evolution``; it changes nothing but the job, whose result is the report."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork]) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, claim: JobClaim) -> None:
        """Count, warn of dates that say little, end the job."""
        request = AnalyzeAnnotationEvolution.read(claim.payload, operation=claim.operation)
        old_id, new_id = request.old_annotation_set_id, request.new_annotation_set_id
        if old_id == new_id:
            raise SameAnnotationSetError(f"Both annotation sets are {old_id}; give an earlier and a later one.")
        async with self._unit_of_work() as work:
            for set_id in (old_id, new_id):
                await AnnotationStore(work.session).get(set_id)
            store = EvolutionStore(work.session)
            changes = count_changes(await store.changes(old_id, new_id))
            sources = dates_of_sources(await store.gained(old_id, new_id))
        async with self._unit_of_work() as work:
            for doubtful in (each for each in sources if each.is_doubtful):
                message = _warning(doubtful)
                await record(work, claim.job_id, "evolution.doubtful_dates", level="warning", message=message)
            result = {
                "old_annotation_set_id": str(old_id),
                "new_annotation_set_id": str(new_id),
                "changes": [asdict(each) for each in changes],
                "sources": _told(sources),
            }
            await finish_job(work, claim, result=result)


def _warning(dates: SourceDates) -> str:
    return (
        f"Of {dates.gained} annotations by {dates.source or 'nobody named'} ({dates.evidence}) that came, "
        f"{dates.on_commonest_day} bear {dates.commonest_day}: the day of a file or of an import rather than of their "
        "making. In windows that are cut by date they are on one side, whenever they became known."
    )


def _told(sources: Sequence[SourceDates]) -> list[dict[str, Any]]:
    return [asdict(each) | {"is_doubtful": each.is_doubtful} for each in sources[:_MOST_SOURCES]]
