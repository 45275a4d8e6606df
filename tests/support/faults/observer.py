"""Looking at the database from outside, past the proxies, also while it comes and goes."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import asyncpg

__all__ = ["Observer", "Progress"]

_AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

_RETRY_SECONDS = 0.2

_PROGRESS = """
    SELECT split_part(kind, '.', 1) AS place, count(*) AS done FROM job_batch WHERE status = 'DONE' GROUP BY 1
    UNION ALL
    SELECT queue_name, count(*) FROM job WHERE status = 'SUCCEEDED' GROUP BY 1
"""

_SERVICE_OF = {
    "embeddings": "embedder",
    "predictions": "predictor",
    "protea.ingest": "ingest",
    "protea.ping": "ingest",
    "protea.evaluations": "evaluator",
}


class Observer:
    """One connection to the database that is made again when it is lost."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._connection: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def fetch(self, statement: str, *values: object) -> Sequence[Any]:
        """Run a statement, as often as it takes."""
        while True:
            try:
                async with self._turn:
                    return list(await (await self._connected()).fetch(statement, *values))
            except _AWAY:
                self._connection = None
                await asyncio.sleep(_RETRY_SECONDS)

    async def count(self, statement: str, *values: object) -> int:
        """Run a statement that gives one number."""
        return int((await self.fetch(statement, *values))[0][0])

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._address, timeout=5)
        return self._connection


class Progress:
    """When each service last got something done, by the rows it committed."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._counts: dict[str, int] = {}
        self._moments: dict[str, list[float]] = defaultdict(list)

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            counts: dict[str, int] = defaultdict(int)
            for row in await self._observer.fetch(_PROGRESS):
                if row["place"] in _SERVICE_OF:
                    counts[_SERVICE_OF[row["place"]]] += row["done"]
            for service, count in counts.items():
                if count > self._counts.get(service, 0):
                    self.note(service)
            self._counts = counts
            await asyncio.sleep(_RETRY_SECONDS)

    def note(self, service: str) -> None:
        """Remember that a service got something done just now."""
        self._moments[service].append(time.monotonic())

    def next_after(self, moment: float, services: Sequence[str]) -> float | None:
        """Seconds from a moment until each of the services had got something done; ``None`` if one has not yet."""
        firsts = [next((m for m in self._moments[service] if m > moment), None) for service in services]
        found = [first for first in firsts if first is not None]
        return max(found) - moment if len(found) == len(firsts) else None
