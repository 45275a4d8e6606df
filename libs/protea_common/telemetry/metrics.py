"""The Prometheus metrics of a process: their names, labels and buckets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import QueuePool
from sqlalchemy.ext.asyncio import AsyncEngine

from protea_common.telemetry.platform_gauges import PlatformGauges, build_platform_gauges

__all__ = ["MetricRegistry", "build_metric_registry", "refresh_db_pool_gauge", "render_metrics"]

JOB_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
"""Seconds; a job lasts from a ping's moment to an embedding's hour."""

BATCH_BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
"""Seconds; a batch is cut to last about a minute."""

REQUEST_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
"""Seconds; a download streams for minutes."""

TOKEN_BUCKETS: Final = (256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072)
"""Tokens that a device computes at once: a small processor's budget to a large card's."""


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
    retries_total
        Tries that failed for now and are repeated, by ``unit``: job or batch.
    lease_expiries_total
        Leases that ended because their worker fell silent, by ``unit`` and ``outcome``: requeued or failed.
    dead_letters_total
        Messages that were given up, by the ``queue`` that they came from; counted where they are kept.
    embeddings_batch_seconds
        Time a batch of embeddings took, by ``backend``.
    embeddings_batch_tokens
        Longest sequence times number of sequences of what a device computed at once, by ``backend``.
    embeddings_residues_total
        Residues that were embedded, by ``backend``; their share of the tokens is what padding left.
    device_busy_seconds_total
        Time in which a device computed, by ``backend``; its rate is the share of time that it was busy.
    predictions_batch_seconds
        Time a batch of predictions took, by ``runner``.
    reference_cache_total
        Times that references were asked for, by ``outcome``: in memory, in the host's file, or built.
    db_pool_in_use
        Database connections in use when the metrics were read.
    http_requests_total
        Requests answered, by ``method``, ``route`` and ``status``.
    http_request_duration_seconds
        Time to the end of the answer, by ``method`` and ``route``.
    http_requests_in_flight
        Requests being answered now.
    platform
        How the whole platform is; only the gateways look.
    """

    registry: CollectorRegistry
    jobs_total: Counter
    job_duration_seconds: Histogram
    retries_total: Counter
    lease_expiries_total: Counter
    dead_letters_total: Counter
    embeddings_batch_seconds: Histogram
    embeddings_batch_tokens: Histogram
    embeddings_residues_total: Counter
    device_busy_seconds_total: Counter
    predictions_batch_seconds: Histogram
    reference_cache_total: Counter
    db_pool_in_use: Gauge
    http_requests_total: Counter
    http_request_duration_seconds: Histogram
    http_requests_in_flight: Gauge
    platform: PlatformGauges


def build_metric_registry() -> MetricRegistry:
    """Make all collectors, at zero; one set per process."""
    registry = CollectorRegistry()
    counters = _Collectors(registry)
    metrics = MetricRegistry(
        registry=registry,
        jobs_total=counters.count("jobs_total", "Jobs that ended.", "operation", "status"),
        job_duration_seconds=counters.spread(
            "job_duration_seconds", "Duration of jobs.", "operation", "status", buckets=JOB_BUCKETS
        ),
        retries_total=counters.count("retries_total", "Tries that are repeated.", "unit"),
        lease_expiries_total=counters.count("lease_expiries_total", "Leases that ran out.", "unit", "outcome"),
        dead_letters_total=counters.count("dead_letters_total", "Messages that were given up.", "queue"),
        embeddings_batch_seconds=counters.spread(
            "embeddings_batch_seconds", "Duration of embedding batches.", "backend", buckets=BATCH_BUCKETS
        ),
        embeddings_batch_tokens=counters.spread(
            "embeddings_batch_tokens", "Tokens that a device computed at once.", "backend", buckets=TOKEN_BUCKETS
        ),
        embeddings_residues_total=counters.count("embeddings_residues_total", "Residues embedded.", "backend"),
        device_busy_seconds_total=counters.count("device_busy_seconds_total", "Time a device computed.", "backend"),
        predictions_batch_seconds=counters.spread(
            "predictions_batch_seconds", "Duration of prediction batches.", "runner", buckets=BATCH_BUCKETS
        ),
        reference_cache_total=counters.count("reference_cache_total", "References asked for.", "outcome"),
        db_pool_in_use=Gauge("protea_db_pool_in_use", "Database connections in use.", registry=registry),
        http_requests_total=counters.count("http_requests_total", "Requests answered.", "method", "route", "status"),
        http_request_duration_seconds=counters.spread(
            "http_request_duration_seconds", "Duration of requests.", "method", "route", buckets=REQUEST_BUCKETS
        ),
        http_requests_in_flight=Gauge("protea_http_requests_in_flight", "Requests being answered.", registry=registry),
        platform=build_platform_gauges(registry),
    )
    _begin_at_zero(metrics)
    return metrics


class _Collectors:
    """Makes collectors of one registry, all under the platform's prefix."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def count(self, name: str, description: str, *labels: str) -> Counter:
        return Counter(f"protea_{name}", description, labels, registry=self._registry)

    def spread(self, name: str, description: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"protea_{name}", description, labels, registry=self._registry, buckets=buckets)


def _begin_at_zero(metrics: MetricRegistry) -> None:
    """Show the series that alerts are made of from the start: the rate of one that appears at 1 is 0."""
    for unit in ("job", "batch"):
        metrics.retries_total.labels(unit=unit)
        metrics.lease_expiries_total.labels(unit=unit, outcome="requeued")
    metrics.lease_expiries_total.labels(unit="job", outcome="failed")
    for outcome in ("memory", "file", "built"):
        metrics.reference_cache_total.labels(outcome=outcome)


def render_metrics(metrics: MetricRegistry) -> tuple[bytes, str]:
    """Write the metrics in Prometheus' text format; returns the body and its content type."""
    return generate_latest(metrics.registry), CONTENT_TYPE_LATEST


def refresh_db_pool_gauge(metrics: MetricRegistry, engine: AsyncEngine) -> None:
    """Set the gauge to the connections in use now; an engine that keeps no pool has none to count."""
    pool = engine.sync_engine.pool
    if isinstance(pool, QueuePool):
        metrics.db_pool_in_use.set(pool.checkedout())
