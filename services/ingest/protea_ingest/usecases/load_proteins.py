"""Loading proteins and their sequences from a FASTA file."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import aclosing

from protea_common.db import UnitOfWork
from protea_common.domain.fasta import FastaLimits, read_fasta
from protea_common.events import ProteinsLoaded
from protea_common.jobs import JobClaim, finish_job, record, report_progress
from protea_common.operations import LoadProteins
from protea_ingest.adapters.chunks import read_in_chunks
from protea_ingest.adapters.sources import SourceFile, SourceFiles
from protea_ingest.adapters.storage import IncomingProteins, ProteinCounts
from protea_ingest.domain.protein_rows import protein_row
from protea_ingest.usecases.progress import ReadingProgress

__all__ = ["LoadProteinFile"]


class LoadProteinFile:
    """Use case of ``load_proteins``.

    One transaction holds the whole load. The job's row is locked only at its end, by `finish_job`: until then leases
    are renewed, progress is told and the job can be cancelled beside it.
    """

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        sources: SourceFiles,
        executor: Executor,
        limits: FastaLimits,
        chunk_size: int,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._sources = sources
        self._executor = executor
        self._limits = limits
        self._chunk_size = chunk_size

    async def __call__(self, claim: JobClaim) -> None:
        """Read into a temporary table, then write what is new."""
        request = LoadProteins.read(claim.payload, operation=claim.operation)
        async with self._sources.open(request.source_uri) as source, self._unit_of_work() as work:
            incoming = IncomingProteins(work.session)
            await incoming.open()
            await self._read(claim, source, incoming)
            counts = await incoming.write()
            if counts.conflicts:
                await _warn(work, claim, counts)
            work.publish(
                ProteinsLoaded(job_id=claim.job_id, proteins=counts.records, sequences=counts.sequences_inserted)
            )
            await report_progress(work, claim.job_id, current=source.size_bytes, total=source.size_bytes)
            await finish_job(work, claim, result=_result(counts))

    async def _read(self, claim: JobClaim, source: SourceFile, incoming: IncomingProteins) -> None:
        rows = map(protein_row, read_fasta(source.lines(), limits=self._limits))
        progress = ReadingProgress(self._unit_of_work, claim.job_id, total_bytes=source.size_bytes)
        async with aclosing(read_in_chunks(rows, size=self._chunk_size, executor=self._executor)) as chunks:
            async for chunk in chunks:
                await incoming.add(chunk)
                await progress.tell(source.bytes_read)


async def _warn(work: UnitOfWork, claim: JobClaim, counts: ProteinCounts) -> None:
    named = ", ".join(counts.conflicting)
    more = ", ..." if counts.conflicts > len(counts.conflicting) else ""
    await record(
        work,
        claim.job_id,
        "load_proteins.sequence_conflicts",
        level="warning",
        message=(
            f"{counts.conflicts} proteins are stored with another sequence than the file's, and keep it: {named}{more}."
        ),
        fields={"sequence_conflicts": counts.conflicts, "accessions": list(counts.conflicting)},
    )


def _result(counts: ProteinCounts) -> dict[str, int]:
    return {
        "proteins_inserted": counts.inserted,
        "proteins_updated": counts.updated,
        "sequences_inserted": counts.sequences_inserted,
        "sequences_reused": counts.sequences_reused,
        "isoform_records": counts.isoforms,
        "retrieved_records": counts.records,
        "sequence_conflicts": counts.conflicts,
    }
