"""Clients that ask for work without pause while faults happen, and remember what was accepted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from support.faults.observer import Observer, Progress
from support.main_job import References, variant_fasta

__all__ = ["Accepted", "Load"]

PIPELINES = 2
"""Main jobs under way at a time."""

_PAUSE_SECONDS = 0.3
_ANSWER_SECONDS = 60.0
_ACTIVE = {"QUEUED", "RUNNING"}

_NOT_YET_EMBEDDED_AGAIN = """
    DELETE FROM sequence_embedding WHERE sequence_id IN
        (SELECT e.sequence_id FROM query_set_entry e JOIN query_set q ON q.id = e.query_set_id WHERE q.name = $1)
"""
_STILL_RUNNING = """
    SELECT count(*) FROM job WHERE operation = 'annotate' AND status IN ('QUEUED', 'RUNNING') AND description = $1
"""


@dataclass(slots=True)
class Accepted:
    """What the gateway said yes to.

    Attributes
    ----------
    main_jobs
        Ids of main jobs, with the number of the query set that each is about.
    others
        Ids of all other jobs.
    """

    main_jobs: dict[str, int] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        return [*self.main_jobs, *self.others]


class Load:
    """Sends main jobs, pings and evaluations, each when the one before has ended.

    A main job finds none of its vectors: they are deleted before it is sent, so that there is something to embed.

    Parameters
    ----------
    evaluation
        Payload of the evaluation.
    """

    def __init__(
        self,
        url: str,
        references: References,
        observer: Observer,
        progress: Progress,
        *,
        evaluation: Mapping[str, str | int],
    ) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=_ANSWER_SECONDS)
        self._references = references
        self._observer = observer
        self._progress = progress
        self._evaluation = evaluation
        self._stopping = asyncio.Event()
        self.accepted = Accepted()

    async def run(self) -> None:
        """Ask for work until `stop`, then wait until what was asked for has ended."""
        clients = [self._annotate_again_and_again(variant) for variant in range(PIPELINES)]
        async with self._http, asyncio.TaskGroup() as group:
            for client in (*clients, self._repeat(self._ping), self._repeat(self._evaluate)):
                group.create_task(client)

    def stop(self) -> None:
        """Ask for nothing more."""
        self._stopping.set()

    async def _repeat(self, once: Callable[[], Awaitable[None]]) -> None:
        while not self._stopping.is_set():
            await once()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _annotate_again_and_again(self, variant: int) -> None:
        await self._repeat(lambda: self._annotate(variant))

    async def _annotate(self, variant: int) -> None:
        name = f"variant {variant}"
        while await self._observer.count(_STILL_RUNNING, name):
            # Accepted in a request whose answer never came.
            await asyncio.sleep(_PAUSE_SECONDS)
        await self._observer.fetch(_NOT_YET_EMBEDDED_AGAIN, name)
        answer = await self._ask(
            "/v1/annotate",
            files={"file": ("queries.fasta", variant_fasta(variant))},
            data={
                "name": name,
                "annotation_set_id": self._references.old_annotation_set_id,
                "embedding_config_id": self._references.embedding_config_id,
            },
        )
        if answer is not None:
            job_id = str(answer["job_id"])
            self.accepted.main_jobs[job_id] = variant
            await self._until_ended(job_id)

    async def _ping(self) -> None:
        await self._submit("ping", {"nonce": str(uuid4())})

    async def _evaluate(self) -> None:
        await self._submit("run_cafa_evaluation", self._evaluation)

    async def _submit(self, operation: str, payload: Mapping[str, str | int]) -> None:
        answer = await self._ask("/v1/jobs", json={"operation": operation, "payload": payload})
        if answer is not None:
            job_id = str(answer["id"])
            self.accepted.others.append(job_id)
            await self._until_ended(job_id)

    async def _ask(self, path: str, **request: Any) -> dict[str, Any] | None:
        """Send a request once; ``None`` if it was not accepted as far as we know."""
        try:
            answer = await self._http.post(path, **request)
        except httpx.TransportError:
            return None
        if answer.is_success:
            self._progress.note("gateway")
            return dict(answer.json())
        # The same work, accepted before without our knowing, or a dependency that is away.
        assert answer.status_code in {409, 500, 503}, answer.text
        return None

    async def _until_ended(self, job_id: str) -> None:
        while True:
            try:
                answer = await self._http.get(f"/v1/jobs/{job_id}")
                if answer.is_success and answer.json()["status"] not in _ACTIVE:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(_PAUSE_SECONDS)
