"""Settings of the gateway, ``PROTEA_GATEWAY__*``: who may change things, and the times of the live stream."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from pydantic import Field, PositiveInt

from protea_common.settings import Duration, ServiceSettings
from protea_gateway.domain.callers import Authentication

__all__ = ["GatewaySettings"]


class GatewaySettings(ServiceSettings):
    """The gateway's own settings."""

    section: ClassVar[str] = "gateway"

    authentication: Authentication = Field(
        Authentication.REQUIRED,
        description="required: every change needs an API key. loopback: somebody at this machine needs none.",
    )
    max_body_bytes: PositiveInt = Field(8 * 1024**2, description="Largest JSON body.")
    max_query_residues: PositiveInt = Field(100_000_000, description="Residues in one query set.")
    parser_threads: PositiveInt = Field(2, description="FASTA files read at a time.")
    annotate_sequences_per_job: PositiveInt = Field(
        512, le=10_000, description="Sequences in one embedding batch of the main job; fewer for slow encoders."
    )
    annotate_batch_size: PositiveInt = Field(
        256, le=4096, description="Queries in one prediction batch of the main job."
    )
    stream_poll: Duration = Field(
        timedelta(seconds=2), description="Longest time until a live stream notices an event that no broadcast told of."
    )
    stream_heartbeat: Duration = Field(
        timedelta(seconds=15), description="Silence after which a live stream sends a comment."
    )
    watch_interval: Duration = Field(
        timedelta(seconds=15),
        description="Pause between two looks at the platform for the metrics of queues and leases.",
    )
    dead_letter_prefetch: PositiveInt = Field(20, description="Dead letters written at a time.")
