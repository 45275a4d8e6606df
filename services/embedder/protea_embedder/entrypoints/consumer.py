"""The queues that the embedder reads, and which use case does what arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

from protea_common.errors import PermanentError
from protea_common.jobs import BatchClaim, BatchUseCase, ConsumerParts, JobUseCase, consume_batches, consume_jobs
from protea_common.messaging.topology import WorkQueue, embedding_pool_queue
from protea_common.runtime import Platform, QueueConsumer, Role, Service
from protea_common.settings import load_service_settings
from protea_embedder.settings import EmbedderSettings
from protea_embedder.usecases.embed_batch import EncoderOf
from protea_embedder.wiring import SERVICE_NAME, Factory, open_process

__all__ = ["PoolMissingError", "build_service"]


class PoolMissingError(PermanentError):
    """The worker is to serve a pool that the platform's settings do not name."""

    slug: ClassVar[str] = "pool-missing"


@asynccontextmanager
async def build_service(
    platform: Platform, *, settings: EmbedderSettings | None = None, encoder_of: EncoderOf | None = None
) -> AsyncIterator[Service]:
    """Open the embedder; without settings it takes the configured ones and all roles, without encoders its own."""
    own = settings or load_service_settings(EmbedderSettings, Path.cwd(), overrides={"role": Role.ALL})
    parts = platform.consumer_parts(source=SERVICE_NAME)
    async with open_process(platform, own, encoder_of=encoder_of) as context:
        queues = _batch_queues(own, platform.settings.embedding_pools)
        yield Service(name=SERVICE_NAME, consumers=_consumers(Factory(context), parts, own, queues))


def _batch_queues(settings: EmbedderSettings, pools: Collection[str]) -> list[str]:
    """Name the queues of batches: that of the worker's pool, that of no pool, or, with all roles, all of them."""
    if settings.pool is not None and settings.pool not in pools:
        raise PoolMissingError(
            f"PROTEA_EMBEDDER__POOL is {settings.pool!r}, and PROTEA_EMBEDDING_POOLS names "
            f"{', '.join(sorted(pools)) or 'none'}; give the same pools to all services."
        )
    if settings.pool is not None:
        return [embedding_pool_queue(settings.pool)]
    own: list[str] = [WorkQueue.EMBEDDINGS_BATCH]
    return own + [embedding_pool_queue(pool) for pool in sorted(pools)] if settings.role is Role.ALL else own


def _consumers(
    factory: Factory, parts: ConsumerParts, settings: EmbedderSettings, queues: Sequence[str]
) -> list[QueueConsumer]:
    jobs = [_jobs(factory, parts, prefetch=settings.coordinator_prefetch)]
    # One handler for all queues: whatever the queue, one batch has the device.
    handler = consume_batches(_by_operation(factory.create_batch_use_cases()), parts)
    batches = [QueueConsumer(queue, handler, settings.worker_prefetch) for queue in queues]
    match settings.role:
        case Role.COORDINATOR:
            return jobs
        case Role.WORKER:
            return batches
        case Role.ALL:
            return jobs + batches


def _by_operation(use_cases: Mapping[str, BatchUseCase]) -> BatchUseCase:
    """Choose by the operation of the job that a batch belongs to: all of them come on the same queues."""

    async def handle(claim: BatchClaim) -> None:
        await use_cases[claim.operation](claim)

    return handle


def _jobs(factory: Factory, parts: ConsumerParts, *, prefetch: int) -> QueueConsumer:
    use_cases: dict[str, JobUseCase] = {
        "fit_kmer_encoder": factory.create_fit_encoder(),
        "register_encoder": factory.create_register_model(),
        "export_embeddings": factory.create_export_vectors(),
        "import_embeddings": factory.create_import_vectors(),
        "embed_residues": factory.create_ask_for_residues(),
        "compute_embeddings": factory.create_cut_into_batches(),
    }
    return QueueConsumer(WorkQueue.EMBEDDINGS, consume_jobs(use_cases, parts), prefetch)
