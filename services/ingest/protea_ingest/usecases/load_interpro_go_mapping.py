"""Loading which GO terms the entries of InterPro imply."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import aclosing
from typing import ClassVar

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.jobs import JobClaim, finish_job, report_progress
from protea_common.operations import LoadInterProGoMapping
from protea_ingest.adapters.chunks import read_in_chunks
from protea_ingest.adapters.interpro_storage import IncomingMapping
from protea_ingest.adapters.sources import SourceFiles
from protea_ingest.domain.interpro2go import read_interpro2go

__all__ = ["InterPro2GoFormatError", "LoadInterProGoMappingFile"]


class InterPro2GoFormatError(PermanentError):
    """The file holds no line of an InterPro2GO mapping."""

    slug: ClassVar[str] = "interpro2go-format"


class LoadInterProGoMappingFile:
    """Use case of ``load_interpro_go_mapping``; one transaction holds the whole load."""

    def __init__(
        self, *, unit_of_work: Callable[[], UnitOfWork], sources: SourceFiles, executor: Executor, chunk_size: int
    ) -> None:
        self._unit_of_work = unit_of_work
        self._sources = sources
        self._executor = executor
        self._chunk_size = chunk_size

    async def __call__(self, claim: JobClaim) -> None:
        """Read into a temporary table, then write what is new."""
        request = LoadInterProGoMapping.read(claim.payload, operation=claim.operation)
        async with self._sources.open(request.source_uri) as source, self._unit_of_work() as work:
            incoming = IncomingMapping(work.session)
            await incoming.open()
            reader = read_interpro2go(source.lines())
            async with aclosing(read_in_chunks(reader, size=self._chunk_size, executor=self._executor)) as chunks:
                async for chunk in chunks:
                    await incoming.add(chunk)
            parsed = reader.data_lines - reader.rejected
            if not parsed:
                raise InterPro2GoFormatError(
                    f"None of the {reader.data_lines} lines says `InterPro:IPR... > GO:... ; GO:...`; load the file "
                    "interpro2go of the Gene Ontology's mappings."
                )
            inserted = await incoming.write(source_version=request.source_version, evidence=request.evidence)
            released_on = await incoming.keep_day(
                source_version=request.source_version, released_on=request.released_on or reader.released_on
            )
            await report_progress(work, claim.job_id, current=source.size_bytes, total=source.size_bytes)
            result = {
                "source_version": request.source_version,
                "released_on": None if released_on is None else str(released_on),
                "parsed": parsed,
                "inserted": inserted,
                "duplicates": parsed - inserted,
                "rejected": reader.rejected,
            }
            await finish_job(work, claim, result=result)
