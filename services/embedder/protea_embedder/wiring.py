"""How the embedder is put together: what a process has one of, and a use case from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from protea_common.jobs import BatchUseCase
from protea_common.runtime import Platform
from protea_embedder.adapters.encoders import EncoderCache
from protea_embedder.adapters.model_sources import ModelSources
from protea_embedder.adapters.model_store import ModelStore
from protea_embedder.domain.token_budget import TokenBudget
from protea_embedder.settings import EmbedderSettings
from protea_embedder.usecases.compute_embeddings import CutIntoBatches
from protea_embedder.usecases.device import DeviceRunner
from protea_embedder.usecases.embed_batch import EmbedBatch, EncoderOf
from protea_embedder.usecases.embed_residues import AskForResidues, WriteResidueFile
from protea_embedder.usecases.export_embeddings import ExportVectors
from protea_embedder.usecases.fit_kmer_encoder import FitEncoder
from protea_embedder.usecases.import_embeddings import ImportVectors
from protea_embedder.usecases.register_encoder import RegisterModel

__all__ = ["SERVICE_NAME", "Factory", "ProcessContext", "open_process"]

SERVICE_NAME: Final = "protea-embedder"
"""Source of its events; another name makes its past events look like a stranger's."""

KMER_TOKENS: Final = 131_072
"""Residues that the k-mer encoder counts at once; its memory grows with them, its speed does not."""


@dataclass(frozen=True, slots=True)
class ProcessContext:
    """What a process has one of.

    Attributes
    ----------
    platform
        What all services stand on.
    settings
        The embedder's own.
    device
        One thread, which loads encoders and runs them.
    fitting
        One thread for fitting and for files of models, so that a long fit does not hold up the batches of a process
        that does both.
    encoder_of
        Gives the encoders.
    """

    platform: Platform
    settings: EmbedderSettings
    device: Executor
    fitting: Executor
    encoder_of: EncoderOf


@asynccontextmanager
async def open_process(
    platform: Platform, settings: EmbedderSettings, *, encoder_of: EncoderOf | None = None
) -> AsyncIterator[ProcessContext]:
    """Start the threads, and end them when the block ends, once what they compute is done.

    Without ``encoder_of`` encoders are loaded from the artifact store and kept in memory.
    """
    device = ThreadPoolExecutor(1, thread_name_prefix="embedder-device")
    fitting = ThreadPoolExecutor(1, thread_name_prefix="embedder-fitting")
    cache = EncoderCache(
        artifacts=platform.artifacts,
        executor=device,
        capacity=settings.encoder_cache_max,
        placement=settings.placement,
        shared_weights=settings.weights_dir,
    )
    try:
        yield ProcessContext(platform, settings, device, fitting, encoder_of or cache.get)
    finally:
        for executor in (fitting, device):
            await asyncio.to_thread(executor.shutdown, cancel_futures=True)


class Factory:
    """Builds use cases."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self._unit_of_work = partial(context.platform.unit_of_work, source=SERVICE_NAME)

    def create_fit_encoder(self) -> FitEncoder:
        """Build ``fit_kmer_encoder``."""
        return FitEncoder(
            unit_of_work=self._unit_of_work,
            artifacts=self._context.platform.artifacts,
            executor=self._context.fitting,
        )

    def create_register_model(self) -> RegisterModel:
        """Build ``register_encoder``."""
        platform, settings = self._context.platform, self._context.settings
        executor = self._context.fitting
        return RegisterModel(
            unit_of_work=self._unit_of_work,
            sources=ModelSources(
                artifacts=platform.artifacts,
                allowed_dirs=platform.settings.allowed_source_dirs,
                allow_hub=settings.allow_hub,
                hub_url=settings.hub_url,
                executor=executor,
            ),
            models=ModelStore(artifacts=platform.artifacts, executor=executor),
            executor=executor,
            max_bytes=settings.max_model_bytes,
            accept_unirep=settings.accept_unirep_licence,
        )

    def create_export_vectors(self) -> ExportVectors:
        """Build ``export_embeddings``."""
        context = self._context
        return ExportVectors(
            unit_of_work=self._unit_of_work, artifacts=context.platform.artifacts, executor=context.fitting
        )

    def create_import_vectors(self) -> ImportVectors:
        """Build ``import_embeddings``."""
        context = self._context
        return ImportVectors(
            unit_of_work=self._unit_of_work, artifacts=context.platform.artifacts, executor=context.fitting
        )

    def create_cut_into_batches(self) -> CutIntoBatches:
        """Build the coordinator of ``compute_embeddings``."""
        return CutIntoBatches(unit_of_work=self._unit_of_work, pools=self._context.platform.settings.embedding_pools)

    def create_ask_for_residues(self) -> AskForResidues:
        """Build the coordinator of ``embed_residues``."""
        return AskForResidues(unit_of_work=self._unit_of_work, pools=self._context.platform.settings.embedding_pools)

    def create_batch_use_cases(self) -> dict[str, BatchUseCase]:
        """Build the workers' use cases by operation; they share the device."""
        context = self._context
        budget = TokenBudget(context.settings.batch_tokens or KMER_TOKENS, context.settings.batch_sequences)
        device = DeviceRunner(executor=context.device, budget=budget, metrics=context.platform.metrics)
        embed_batch = EmbedBatch(
            unit_of_work=self._unit_of_work,
            encoder_of=context.encoder_of,
            device=device,
            metrics=context.platform.metrics,
        )
        write_residues = WriteResidueFile(
            unit_of_work=self._unit_of_work,
            encoder_of=context.encoder_of,
            device=device,
            artifacts=context.platform.artifacts,
            executor=context.fitting,
        )
        return {"compute_embeddings": embed_batch, "embed_residues": write_residues}
