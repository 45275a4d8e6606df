"""How the ingest service is put together: what a process has one of, and a use case from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from protea_common.domain.fasta import FastaLimits
from protea_common.runtime import Platform
from protea_ingest.adapters.sources import SourceFiles
from protea_ingest.settings import IngestSettings
from protea_ingest.usecases.answer_ping import AnswerPing
from protea_ingest.usecases.load_goa_annotations import LoadAnnotationFile
from protea_ingest.usecases.load_interpro_go_mapping import LoadInterProGoMappingFile
from protea_ingest.usecases.load_interpro_results import LoadInterProResultFile
from protea_ingest.usecases.load_ontology_snapshot import LoadOntologyFile
from protea_ingest.usecases.load_proteins import LoadProteinFile

__all__ = ["SERVICE_NAME", "Factory", "ProcessContext", "open_process"]

SERVICE_NAME: Final = "protea-ingest"
"""Source of its events; another name makes its past events look like a stranger's."""


@dataclass(frozen=True, slots=True)
class ProcessContext:
    """What a process has one of.

    Attributes
    ----------
    platform
        What all services stand on.
    settings
        The ingest service's own.
    reading
        One thread, which reads and parses files: a second would only wait for the interpreter's lock.
    sources
        The files that may be loaded.
    """

    platform: Platform
    settings: IngestSettings
    reading: Executor
    sources: SourceFiles


@asynccontextmanager
async def open_process(platform: Platform, settings: IngestSettings) -> AsyncIterator[ProcessContext]:
    """Start the thread, and end it when the block ends, once it has read what it is reading."""
    reading = ThreadPoolExecutor(1, thread_name_prefix="ingest-reading")
    sources = SourceFiles(
        artifacts=platform.artifacts,
        allowed_dirs=platform.settings.allowed_source_dirs,
        max_decompressed_bytes=platform.settings.api.max_decompressed_bytes,
        executor=reading,
    )
    try:
        yield ProcessContext(platform, settings, reading, sources)
    finally:
        await asyncio.to_thread(reading.shutdown, cancel_futures=True)


class Factory:
    """Builds use cases."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self._unit_of_work = partial(context.platform.unit_of_work, source=SERVICE_NAME)

    def create_answer_ping(self) -> AnswerPing:
        """Build ``ping``."""
        return AnswerPing(unit_of_work=self._unit_of_work)

    def create_load_proteins(self) -> LoadProteinFile:
        """Build ``load_proteins``."""
        api = self._context.platform.settings.api
        limits = FastaLimits(
            max_records=self._context.settings.max_proteins,
            max_residues_per_sequence=api.max_residues,
            # A residue is a byte of the file, whose size is limited already.
            max_total_residues=api.max_decompressed_bytes,
        )
        return LoadProteinFile(
            unit_of_work=self._unit_of_work,
            sources=self._context.sources,
            executor=self._context.reading,
            limits=limits,
            chunk_size=self._context.settings.protein_chunk_size,
        )

    def create_load_ontology_snapshot(self) -> LoadOntologyFile:
        """Build ``load_ontology_snapshot``."""
        return LoadOntologyFile(
            unit_of_work=self._unit_of_work,
            sources=self._context.sources,
            artifacts=self._context.platform.artifacts,
            executor=self._context.reading,
        )

    def create_load_goa_annotations(self) -> LoadAnnotationFile:
        """Build ``load_goa_annotations``."""
        return LoadAnnotationFile(
            unit_of_work=self._unit_of_work,
            sources=self._context.sources,
            executor=self._context.reading,
            chunk_size=self._context.platform.settings.operation.annotation_chunk_size,
        )

    def create_load_interpro_results(self) -> LoadInterProResultFile:
        """Build ``load_interpro_results``."""
        return LoadInterProResultFile(
            unit_of_work=self._unit_of_work,
            sources=self._context.sources,
            executor=self._context.reading,
            chunk_size=self._context.platform.settings.operation.annotation_chunk_size,
        )

    def create_load_interpro_go_mapping(self) -> LoadInterProGoMappingFile:
        """Build ``load_interpro_go_mapping``."""
        return LoadInterProGoMappingFile(
            unit_of_work=self._unit_of_work,
            sources=self._context.sources,
            executor=self._context.reading,
            chunk_size=self._context.platform.settings.operation.annotation_chunk_size,
        )
