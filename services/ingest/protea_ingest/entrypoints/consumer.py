"""The queues that the ingest service reads, and which use case does what arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from protea_common.jobs import JobUseCase, consume_jobs
from protea_common.messaging.topology import WorkQueue
from protea_common.runtime import Platform, QueueConsumer, Service
from protea_common.settings import load_service_settings
from protea_ingest.settings import IngestSettings
from protea_ingest.wiring import SERVICE_NAME, Factory, open_process

__all__ = ["build_service"]


@asynccontextmanager
async def build_service(platform: Platform, *, settings: IngestSettings | None = None) -> AsyncIterator[Service]:
    """Open the ingest service; without settings it takes the configured ones."""
    own = settings or load_service_settings(IngestSettings, Path.cwd())
    parts = platform.consumer_parts(source=SERVICE_NAME)
    prefetch = platform.settings.queue.prefetch
    async with open_process(platform, own) as context:
        factory = Factory(context)
        pings: dict[str, JobUseCase] = {"ping": factory.create_answer_ping()}
        loads: dict[str, JobUseCase] = {
            "load_proteins": factory.create_load_proteins(),
            "load_ontology_snapshot": factory.create_load_ontology_snapshot(),
            "load_goa_annotations": factory.create_load_goa_annotations(),
            "load_interpro_results": factory.create_load_interpro_results(),
            "load_interpro_go_mapping": factory.create_load_interpro_go_mapping(),
        }
        consumers = [
            QueueConsumer(WorkQueue.PING, consume_jobs(pings, parts), prefetch),
            QueueConsumer(WorkQueue.INGEST, consume_jobs(loads, parts), prefetch),
        ]
        yield Service(name=SERVICE_NAME, consumers=consumers)
