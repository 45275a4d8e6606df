"""The queues that the embedder reads, and which use case does what arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from protea_common.jobs import ConsumerParts, JobUseCase, consume_batches, consume_jobs
from protea_common.messaging.topology import WorkQueue
from protea_common.runtime import Platform, QueueConsumer, Role, Service
from protea_common.settings import load_service_settings
from protea_embedder.settings import EmbedderSettings
from protea_embedder.usecases.embed_batch import EncoderOf
from protea_embedder.wiring import SERVICE_NAME, Factory, open_process

__all__ = ["build_service"]


@asynccontextmanager
async def build_service(
    platform: Platform, *, settings: EmbedderSettings | None = None, encoder_of: EncoderOf | None = None
) -> AsyncIterator[Service]:
    """Open the embedder; without settings it takes the configured ones and all roles, without encoders its own."""
    own = settings or load_service_settings(EmbedderSettings, Path.cwd(), overrides={"role": Role.ALL})
    parts = platform.consumer_parts(source=SERVICE_NAME)
    async with open_process(platform, own, encoder_of=encoder_of) as context:
        yield Service(name=SERVICE_NAME, consumers=_consumers(Factory(context), parts, own))


def _consumers(factory: Factory, parts: ConsumerParts, settings: EmbedderSettings) -> list[QueueConsumer]:
    match settings.role:
        case Role.COORDINATOR:
            return [_jobs(factory, parts, prefetch=settings.coordinator_prefetch)]
        case Role.WORKER:
            return [_batches(factory, parts, prefetch=settings.worker_prefetch)]
        case Role.ALL:
            return [
                _jobs(factory, parts, prefetch=settings.coordinator_prefetch),
                _batches(factory, parts, prefetch=settings.worker_prefetch),
            ]


def _jobs(factory: Factory, parts: ConsumerParts, *, prefetch: int) -> QueueConsumer:
    use_cases: dict[str, JobUseCase] = {
        "fit_kmer_encoder": factory.create_fit_encoder(),
        "register_encoder": factory.create_register_model(),
        "compute_embeddings": factory.create_cut_into_batches(),
    }
    return QueueConsumer(WorkQueue.EMBEDDINGS, consume_jobs(use_cases, parts), prefetch)


def _batches(factory: Factory, parts: ConsumerParts, *, prefetch: int) -> QueueConsumer:
    return QueueConsumer(WorkQueue.EMBEDDINGS_BATCH, consume_batches(factory.create_embed_batch(), parts), prefetch)
