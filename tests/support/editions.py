"""What the end-to-end tests compare: the laptop edition's undisturbed run, and five processes with references."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from support.cluster import Cluster
from support.main_job import MainJob, References
from support.otlp import Collector

__all__ = ["LoadedCluster", "Traces", "Undisturbed"]


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """What the laptop edition predicted, and under which recipe."""

    embedding_config_id: str
    predictions: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Traces:
    """Where the spans of the five processes arrive.

    Attributes
    ----------
    collector
        Has what the receiver passed on.
    address
        Of the receiver.
    """

    collector: Collector
    address: str

    @property
    def environment(self) -> dict[str, str]:
        """Settings of a process whose spans arrive here soon, and all of them."""
        return {
            "PROTEA_OTEL_ENABLED": "1",
            "PROTEA_OTEL_ENDPOINT": self.address,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "OTEL_BSP_MAX_QUEUE_SIZE": "100000",
        }


@dataclass(frozen=True, slots=True)
class LoadedCluster:
    """Five processes with references loaded, and their database."""

    processes: Cluster
    job: MainJob
    references: References
    database: asyncpg.Connection
