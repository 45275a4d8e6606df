"""What the end-to-end tests compare: the laptop edition's undisturbed run, and five processes with references."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from support.cluster import Cluster
from support.main_job import MainJob, References

__all__ = ["LoadedCluster", "Undisturbed"]


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """What the laptop edition predicted, and under which recipe."""

    embedding_config_id: str
    predictions: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class LoadedCluster:
    """Five processes with references loaded, and their database."""

    processes: Cluster
    job: MainJob
    references: References
    database: asyncpg.Connection
