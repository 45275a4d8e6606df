"""The Prometheus metrics of a process: their names, labels and buckets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import QueuePool
from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["MetricRegistry", "build_metric_registry", "refresh_db_pool_gauge", "render_metrics"]

JOB_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
"""Seconds; a job lasts from a ping's moment to an embedding's hour."""

BATCH_BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
"""Seconds; a batch is cut to last about a minute."""

REQUEST_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
"""Seconds; a download streams for minutes."""


@dataclass(frozen=True, slots=True)
class MetricRegistry:
    """The collectors of one process, in a registry of their own.

    Attributes
    ----------
    registry
        What ``render_metrics`` writes.
    jobs_total
        Jobs that ended, by ``operation`` and ``status``.
    job_duration_seconds
        Time from a job's start to its end, by ``operation`` and ``status``.
    embeddings_batch_seconds
        Time a batch of embeddings took, by ``backend``.
    predictions_batch_seconds
        Time a batch of predictions took, by ``runner``.
    db_pool_in_use
        Database connections in use when the metrics were read.
    http_requests_total
        Requests answered, by ``method``, ``route`` and ``status``.
    http_request_duration_seconds
        Time to the end of the answer, by ``method`` and ``route``.
    http_requests_in_flight
        Requests being answered now.
    """

    registry: CollectorRegistry
    jobs_total: Counter
    job_duration_seconds: Histogram
    embeddings_batch_seconds: Histogram
    predictions_batch_seconds: Histogram
    db_pool_in_use: Gauge
    http_requests_total: Counter
    http_request_duration_seconds: Histogram
    http_requests_in_flight: Gauge


def build_metric_registry() -> MetricRegistry:
    """Make all collectors, at zero; one set per process."""
    registry = CollectorRegistry()
    job = ("operation", "status")
    return MetricRegistry(
        registry=registry,
        jobs_total=Counter("protea_jobs_total", "Jobs that ended.", job, registry=registry),
        job_duration_seconds=Histogram(
            "protea_job_duration_seconds", "Duration of jobs.", job, registry=registry, buckets=JOB_BUCKETS
        ),
        embeddings_batch_seconds=Histogram(
            "protea_embeddings_batch_seconds",
            "Duration of embedding batches.",
            ("backend",),
            registry=registry,
            buckets=BATCH_BUCKETS,
        ),
        predictions_batch_seconds=Histogram(
            "protea_predictions_batch_seconds",
            "Duration of prediction batches.",
            ("runner",),
            registry=registry,
            buckets=BATCH_BUCKETS,
        ),
        db_pool_in_use=Gauge("protea_db_pool_in_use", "Database connections in use.", registry=registry),
        http_requests_total=Counter(
            "protea_http_requests_total", "Requests answered.", ("method", "route", "status"), registry=registry
        ),
        http_request_duration_seconds=Histogram(
            "protea_http_request_duration_seconds",
            "Duration of requests.",
            ("method", "route"),
            registry=registry,
            buckets=REQUEST_BUCKETS,
        ),
        http_requests_in_flight=Gauge("protea_http_requests_in_flight", "Requests being answered.", registry=registry),
    )


def render_metrics(metrics: MetricRegistry) -> tuple[bytes, str]:
    """Write the metrics in Prometheus' text format; returns the body and its content type."""
    return generate_latest(metrics.registry), CONTENT_TYPE_LATEST


def refresh_db_pool_gauge(metrics: MetricRegistry, engine: AsyncEngine) -> None:
    """Set the gauge to the connections in use now; an engine that keeps no pool has none to count."""
    pool = engine.sync_engine.pool
    if isinstance(pool, QueuePool):
        metrics.db_pool_in_use.set(pool.checkedout())
