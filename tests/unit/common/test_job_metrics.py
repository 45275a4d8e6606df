"""What happens to jobs, as counters."""

from __future__ import annotations

from uuid import uuid4

import pytest

from protea_common.events import JobFailed, JobSucceeded
from protea_common.jobs.metrics import count_entry, count_event
from protea_common.telemetry import MetricRegistry, build_metric_registry


@pytest.fixture
def metrics() -> MetricRegistry:
    return build_metric_registry()


def value(metrics: MetricRegistry, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"protea_{name}", labels)


@pytest.mark.parametrize(("entry", "unit"), [("job.retry_later", "job"), ("child.retry_later", "batch")])
def test_a_repeated_try_is_counted_by_what_is_tried(metrics: MetricRegistry, entry: str, unit: str) -> None:
    count_entry(metrics, entry)

    assert value(metrics, "retries_total", unit=unit) == 1


@pytest.mark.parametrize(
    ("entry", "unit"), [("job.lease_expired_requeue", "job"), ("child.lease_expired_requeue", "batch")]
)
def test_a_lost_worker_is_counted_by_what_it_held(metrics: MetricRegistry, entry: str, unit: str) -> None:
    count_entry(metrics, entry)

    assert value(metrics, "lease_expiries_total", unit=unit, outcome="requeued") == 1


def test_other_entries_count_nothing(metrics: MetricRegistry) -> None:
    count_entry(metrics, "job.progress")

    assert {value(metrics, "retries_total", unit=unit) for unit in ("job", "batch")} == {0}


def test_a_job_that_lost_its_last_worker_is_counted_once_and_not_with_its_pipeline(metrics: MetricRegistry) -> None:
    for operation in ("compute_embeddings", "annotate"):
        lost = JobFailed(job_id=uuid4(), operation=operation, seconds=3, error_code="LeaseExpired", error_message="m")
        count_event(metrics, lost)

    assert value(metrics, "lease_expiries_total", unit="job", outcome="failed") == 1
    assert value(metrics, "jobs_total", operation="annotate", status="FAILED") == 1


def test_a_job_that_failed_otherwise_lost_no_worker(metrics: MetricRegistry) -> None:
    count_event(metrics, JobFailed(job_id=uuid4(), operation="ping", error_code="SpoiltError", error_message="m"))
    count_event(metrics, JobSucceeded(job_id=uuid4(), operation="ping"))

    assert value(metrics, "lease_expiries_total", unit="job", outcome="failed") == 0


def test_what_alerts_are_made_of_is_there_from_the_start(metrics: MetricRegistry) -> None:
    assert value(metrics, "retries_total", unit="batch") == 0
    assert value(metrics, "lease_expiries_total", unit="batch", outcome="requeued") == 0
    assert value(metrics, "reference_cache_total", outcome="built") == 0
