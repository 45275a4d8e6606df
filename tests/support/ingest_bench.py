"""An ingest service to play with: files become uploads, messages are delivered by hand, rows are looked at."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, text

from protea_common.db import session_scope
from protea_common.events import Envelope, JobCreated
from protea_common.jobs import NewJob, cancel_job, submit_job
from protea_common.messaging.bus import Disposition, IncomingMessage
from protea_common.messaging.codec import encode
from protea_common.operations import (
    LoadGoaAnnotations,
    LoadOntologySnapshot,
    LoadProteins,
    OperationPayload,
    get_operation,
)
from protea_common.orm import Job, OutboxEvent
from protea_common.runtime import Platform, Service
from protea_common.storage import ArtifactStoreUnavailable
from protea_ingest.entrypoints.consumer import build_service
from protea_ingest.settings import IngestSettings
from support.flaky_store import FlakyStore

__all__ = ["IngestBench", "gaf", "job_created", "obo", "open_bench", "with_store_that_fails"]

_SECONDS = 30.0
_BLOCKED = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def obo(*stanzas: str, version: str | None = "releases/2024-01-17") -> str:
    """Write an ontology; a stanza is ``id name`` with further lines behind it."""
    header = "format-version: 1.2\n" + (f"data-version: {version}\n" if version else "")
    return header + "".join(f"\n[Term]\nid: {stanza}\n" for stanza in stanzas)


def gaf(rows: Iterable[tuple[str, ...]], *, version: str = "2.2") -> str:
    """Write annotations given as accession, GO id, evidence code, date and, if there is one, qualifier."""
    lines = [f"!gaf-version: {version}", "!date-generated: 2019-01-14", "!generated-by: GOC"]
    for accession, go_id, evidence_code, day, *qualifier in rows:
        columns = ("UniProtKB", accession, "abc", "".join(qualifier), go_id, "PMID:1", evidence_code)
        lines.append("\t".join((*columns, "", "F", "", "", "protein", "taxon:7227", day, "UniProt", "", "")))
    return "\n".join(lines) + "\n"


def with_store_that_fails(platform: Platform, *, times: int) -> Platform:
    """Put a store in front of the platform's that does not answer at first."""
    return replace(platform, artifacts=_FlakyFiles(platform.artifacts, failures=times))


@asynccontextmanager
async def open_bench(platform: Platform, *, settings: IngestSettings | None = None) -> AsyncIterator[IngestBench]:
    """Wire an ingest service to a platform."""
    async with build_service(platform, settings=settings or IngestSettings()) as service:
        yield IngestBench(platform, service)


class IngestBench:
    """Upload, submit, deliver, look."""

    def __init__(self, platform: Platform, service: Service) -> None:
        self.platform = platform
        self._handlers = {consumer.queue: consumer.handler for consumer in service.consumers}

    async def upload(self, content: str | bytes | Path, *, compressed: bool = False) -> str:
        """Put a file into the artifact store; give its source URI."""
        data = content.encode() if isinstance(content, str) else content
        if compressed and isinstance(data, bytes):
            data = gzip.compress(data)
        key = f"uploads/{uuid4().hex}"
        await self.platform.artifacts.put(key, data)
        return f"artifact:{key}"

    async def submit(self, operation: str, payload: OperationPayload) -> UUID:
        async with self.platform.unit_of_work(source="test") as work:
            return await submit_job(work, NewJob(operation=operation, payload=payload))

    async def handle(self, message: IncomingMessage) -> Disposition:
        return await self._handlers[message.queue](message)

    async def deliver(self, job_id: UUID) -> Disposition:
        """Hand the service the message that announces a job, once more if it had it before."""
        return await self.handle(job_created(job_id, (await self.job(job_id)).operation))

    def deliver_soon(self, job_id: UUID) -> asyncio.Task[Disposition]:
        """Deliver while the test goes on."""
        return asyncio.create_task(self.deliver(job_id))

    async def run(self, operation: str, payload: OperationPayload) -> Job:
        """Submit a job, deliver it once, and give it as it is then."""
        job_id = await self.submit(operation, payload)
        await self.deliver(job_id)
        return await self.job(job_id)

    async def load_proteins(self, content: str | bytes | Path) -> Job:
        return await self.run("load_proteins", LoadProteins(source_uri=await self.upload(content)))

    async def load_ontology(self, content: str | bytes | Path) -> Job:
        payload = LoadOntologySnapshot(source_uri=await self.upload(content))
        return await self.run("load_ontology_snapshot", payload)

    async def annotations_of(self, content: str | bytes | Path, snapshot_id: UUID, **more: Any) -> LoadGoaAnnotations:
        """Upload annotations; give the payload that loads them."""
        return LoadGoaAnnotations(
            source_uri=await self.upload(content),
            ontology_snapshot_id=snapshot_id,
            source_version="220",
            **more,
        )

    async def load_annotations(self, content: str | bytes | Path, snapshot_id: UUID, **more: Any) -> Job:
        return await self.run("load_goa_annotations", await self.annotations_of(content, snapshot_id, **more))

    async def snapshot(self, content: str | bytes | Path) -> UUID:
        """Load an ontology that is right; give its id."""
        result = (await self.load_ontology(content)).result
        assert result is not None
        return UUID(result["ontology_snapshot_id"])

    async def job(self, job_id: UUID) -> Job:
        async with session_scope(self.platform.session_factory) as session:
            return (await session.scalars(select(Job).where(Job.id == job_id))).one()

    async def cancel(self, job_id: UUID) -> None:
        async with self.platform.unit_of_work(source="test") as work:
            await cancel_job(work, job_id, reason="user")

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with session_scope(self.platform.session_factory) as session:
            return [tuple(row) for row in await session.execute(text(query))]

    async def scalar(self, query: str) -> Any:
        async with session_scope(self.platform.session_factory) as session:
            return await session.scalar(text(query))

    async def execute(self, statement: str) -> None:
        async with session_scope(self.platform.session_factory) as session:
            await session.execute(text(statement))

    async def published(self, event_type: str, job_id: UUID) -> Sequence[dict[str, Any]]:
        """Read the bodies of a job's events of one type."""
        statement = select(OutboxEvent.body).where(OutboxEvent.subject == job_id)
        async with session_scope(self.platform.session_factory) as session:
            return (await session.scalars(statement.where(OutboxEvent.routing_key == event_type))).all()

    @asynccontextmanager
    async def stuck(self, job_id: UUID, *, table: str) -> AsyncIterator[asyncio.Task[Disposition]]:
        """Deliver a job and hold it where it writes to a table, until the block ends."""
        async with session_scope(self.platform.session_factory) as session:
            await session.execute(text(f'LOCK TABLE "{table}" IN SHARE MODE'))
            running = self.deliver_soon(job_id)
            await self.until_blocked()
            yield running
        await asyncio.wait([running], timeout=_SECONDS)

    async def disconnect_blocked(self) -> None:
        """Cut the connections that wait for a lock."""
        await self.execute(f"SELECT pg_terminate_backend(pid, 5000) {_BLOCKED}")

    async def until_blocked(self) -> None:
        """Wait until a connection waits for a lock."""
        async with asyncio.timeout(_SECONDS):
            while not await self.scalar(f"SELECT count(*) {_BLOCKED}"):
                await asyncio.sleep(0.01)


def job_created(job_id: UUID, operation: str) -> IncomingMessage:
    """Make the message that announces a job."""
    event = JobCreated(job_id=job_id, operation=operation)
    envelope = Envelope.seal(event, source="test")
    return IncomingMessage(
        message_id=str(envelope.id),
        routing_key=event.routing_key,
        body=encode(event.model_dump(mode="json")),
        headers=envelope.to_headers(),
        queue=str(get_operation(operation).queue),
        redelivered=False,
        delivery_count=0,
    )


class _FlakyFiles(FlakyStore):
    """Fails when a file is lent, too."""

    def local_path(self, key: str) -> AbstractAsyncContextManager[Path]:
        if self._failures > 0:
            self._failures -= 1
            raise ArtifactStoreUnavailable("the store does not answer; try again later")
        return super().local_path(key)
