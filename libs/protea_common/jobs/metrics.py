"""Counting what happened to jobs, from the events and timeline entries that a process committed."""

from __future__ import annotations

from typing import Final

from protea_common.events import Event, JobCancelled, JobFailed, JobSucceeded
from protea_common.operations import OPERATIONS
from protea_common.orm import JobStatus
from protea_common.telemetry import MetricRegistry

__all__ = ["LEASE_EXPIRED", "count_entry", "count_event"]

LEASE_EXPIRED: Final = "LeaseExpired"
"""Error code of a job whose worker was lost for the last time."""

RETRIES: Final = {"job.retry_later": "job", "child.retry_later": "batch"}
"""Timeline entries of a retry, and what is tried again."""

REQUEUES: Final = {"job.lease_expired_requeue": "job", "child.lease_expired_requeue": "batch"}
"""Timeline entries of a lost worker, and what goes to another one."""


def count_event(metrics: MetricRegistry, event: Event) -> None:
    """Move ``protea_jobs_total`` and ``protea_job_duration_seconds`` when an event ends a job."""
    match event:
        case JobSucceeded():
            status = JobStatus.SUCCEEDED
        case JobFailed():
            status = JobStatus.FAILED
            _count_lost_job(metrics, event)
        case JobCancelled():
            status = JobStatus.CANCELLED
        case _:
            return
    labels = {"operation": event.operation, "status": status.value}
    metrics.jobs_total.labels(**labels).inc()
    metrics.job_duration_seconds.labels(**labels).observe(event.seconds)


def count_entry(metrics: MetricRegistry, entry: str) -> None:
    """Move ``protea_retries_total`` and ``protea_lease_expiries_total`` by the name of a timeline entry."""
    if (unit := RETRIES.get(entry)) is not None:
        metrics.retries_total.labels(unit=unit).inc()
    elif (unit := REQUEUES.get(entry)) is not None:
        metrics.lease_expiries_total.labels(unit=unit, outcome="requeued").inc()


def _count_lost_job(metrics: MetricRegistry, event: JobFailed) -> None:
    # A pipeline fails with the code of its step, which is counted already.
    operation = OPERATIONS.get(event.operation)
    is_pipeline = operation is not None and operation.queue is None
    if event.error_code == LEASE_EXPIRED and not is_pipeline:
        metrics.lease_expiries_total.labels(unit="job", outcome="failed").inc()
