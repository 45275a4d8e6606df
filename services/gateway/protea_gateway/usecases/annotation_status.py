"""One answer to "how far is my annotation, and where is its result?"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.orm import Job, JobStatus
from protea_gateway.adapters.storage.jobs import JobStore
from protea_gateway.domain.errors import NotFoundError
from protea_gateway.usecases.progress import Progress, Step, describe_stage, overall_progress

__all__ = ["AnnotationStatus", "ShowAnnotation"]


@dataclass(frozen=True, slots=True)
class AnnotationStatus:
    """Where an annotation run stands.

    Attributes
    ----------
    job
        The pipeline.
    stage
        What it is doing, in a few words.
    progress
        Of the step that runs, and of the whole.
    steps
        Its jobs in order.
    prediction_set_id
        Its result, once it has succeeded.
    """

    job: Job
    stage: str
    progress: Progress
    steps: list[Step]
    prediction_set_id: UUID | None


class ShowAnnotation:
    """Puts a pipeline and its steps together."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork]) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, job_id: UUID) -> AnnotationStatus:
        """Look at a run.

        Raises
        ------
        NotFoundError
            If there is no such run.
        """
        async with self._unit_of_work() as work:
            store = JobStore(work.session)
            job = await store.get(job_id)
            if job.operation != "annotate":
                raise NotFoundError("annotation run", job_id)
            rows = await store.steps(job_id)
        steps = [Step(row.id, row.operation, row.status, row.progress_current, row.progress_total) for row in rows]
        progress = overall_progress(steps) if job.status is not JobStatus.SUCCEEDED else Progress(None, None, 1.0)
        return AnnotationStatus(job, describe_stage(job.status, steps), progress, steps, _prediction_set(job))


def _prediction_set(job: Job) -> UUID | None:
    found = (job.result or {}).get("prediction_set_id")
    return None if found is None else UUID(found)
