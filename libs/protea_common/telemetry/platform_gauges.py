"""Gauges of the whole platform: what the broker and the database show, not what one process did."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Gauge

__all__ = ["PlatformGauges", "build_platform_gauges"]


@dataclass(frozen=True, slots=True)
class PlatformGauges:
    """What a gateway sees of the platform. Each replica sees the same, so rules take the greatest, never the sum.

    Attributes
    ----------
    observed_timestamp_seconds
        When it last looked, by the database's clock; 0 in services that do not look.
    queue_ready, queue_consumers
        Messages that wait in a ``queue`` and subscriptions to it, as the broker counts; no series while it is away.
    queue_held
        Jobs or batches of a ``queue`` under a lease.
    queue_oldest_open_seconds
        Age of a ``queue``'s oldest unfinished job or batch; 0 without any.
    jobs_active
        Jobs that have not ended, by ``status``.
    leases_held, leases_expired
        Leases, and those of them that have run out and wait for the reaper.
    outbox_unsent, outbox_oldest_seconds
        Events that are due and not sent, and for how long the oldest one has been due.
    dead_letters_open, dead_letters_oldest_seconds
        Dead letters that are neither replayed nor purged, and the age of the oldest.
    """

    observed_timestamp_seconds: Gauge
    queue_ready: Gauge
    queue_consumers: Gauge
    queue_held: Gauge
    queue_oldest_open_seconds: Gauge
    jobs_active: Gauge
    leases_held: Gauge
    leases_expired: Gauge
    outbox_unsent: Gauge
    outbox_oldest_seconds: Gauge
    dead_letters_open: Gauge
    dead_letters_oldest_seconds: Gauge


def build_platform_gauges(registry: CollectorRegistry) -> PlatformGauges:
    """Make the gauges; those without labels begin at 0."""

    def gauge(name: str, description: str, *labels: str) -> Gauge:
        return Gauge(f"protea_{name}", description, labels, registry=registry)

    return PlatformGauges(
        observed_timestamp_seconds=gauge("platform_observed_timestamp_seconds", "When the platform was looked at."),
        queue_ready=gauge("queue_ready", "Messages that wait.", "queue"),
        queue_consumers=gauge("queue_consumers", "Subscriptions.", "queue"),
        queue_held=gauge("queue_held", "Jobs or batches under a lease.", "queue"),
        queue_oldest_open_seconds=gauge("queue_oldest_open_seconds", "Age of the oldest unfinished work.", "queue"),
        jobs_active=gauge("jobs_active", "Jobs that have not ended.", "status"),
        leases_held=gauge("leases_held", "Leases."),
        leases_expired=gauge("leases_expired", "Leases that have run out."),
        outbox_unsent=gauge("outbox_unsent", "Events that are due and not sent."),
        outbox_oldest_seconds=gauge("outbox_oldest_seconds", "How long the oldest unsent event has been due."),
        dead_letters_open=gauge("dead_letters_open", "Dead letters that nobody has looked after."),
        dead_letters_oldest_seconds=gauge("dead_letters_oldest_seconds", "Age of the oldest of them."),
    )
