"""Counting what happened to jobs, from the events that a process committed."""

from __future__ import annotations

from protea_common.events import Event, JobCancelled, JobFailed, JobSucceeded
from protea_common.orm import JobStatus
from protea_common.telemetry import MetricRegistry

__all__ = ["count_event"]


def count_event(metrics: MetricRegistry, event: Event) -> None:
    """Move ``protea_jobs_total`` and ``protea_job_duration_seconds`` when an event ends a job."""
    match event:
        case JobSucceeded():
            status = JobStatus.SUCCEEDED
        case JobFailed():
            status = JobStatus.FAILED
        case JobCancelled():
            status = JobStatus.CANCELLED
        case _:
            return
    labels = {"operation": event.operation, "status": status.value}
    metrics.jobs_total.labels(**labels).inc()
    metrics.job_duration_seconds.labels(**labels).observe(event.seconds)
