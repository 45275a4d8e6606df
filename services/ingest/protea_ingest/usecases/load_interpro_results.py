"""Loading what InterProScan found on sequences, of proteins and of queries alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import aclosing
from typing import ClassVar

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.jobs import JobClaim, finish_job, report_progress
from protea_common.operations import LoadInterProResults
from protea_ingest.adapters.chunks import read_in_chunks
from protea_ingest.adapters.interpro_storage import HitCounts, IncomingHits
from protea_ingest.adapters.sources import SourceFile, SourceFiles
from protea_ingest.domain.interproscan import HitReject, InterProScanReader, read_interproscan
from protea_ingest.usecases.progress import ReadingProgress

__all__ = ["InterProReleaseUnknownError", "LoadInterProResultFile", "NoHitKeptError"]

_REMEDIES: Mapping[str, str] = {
    HitReject.SHORT_LINE: "give InterProScan's TSV output (-f tsv)",
    HitReject.BAD_MD5: "give InterProScan's TSV output (-f tsv), whose second column is the sequence's MD5",
    HitReject.NOT_INTEGRATED: "run InterProScan with -iprlookup, which names the entries",
    HitReject.UNKNOWN_SEQUENCE: "load the proteins, or send the query set, first",
}
"""What to do when a reason left out most of a file."""


class NoHitKeptError(PermanentError):
    """No hit of the file is of an InterPro entry on a sequence that the database has.

    Attributes
    ----------
    rejected
        Lines left out, by reason.
    """

    slug: ClassVar[str] = "no-hit-kept"

    def __init__(self, rejected: Mapping[str, int]) -> None:
        listed = ", ".join(f"{reason}: {number}" for reason, number in rejected.items()) or "it has no line"
        most = max(rejected, key=rejected.__getitem__, default="")
        remedy = _REMEDIES.get(most, "give the whole output of InterProScan")
        super().__init__(f"No hit of the file was kept ({listed}); {remedy}.")
        self.rejected = dict(rejected)


class InterProReleaseUnknownError(PermanentError):
    """Neither the file nor the job says which release of InterPro found the hits."""

    slug: ClassVar[str] = "interpro-release-unknown"


class LoadInterProResultFile:
    """Use case of ``load_interpro_results``.

    One transaction holds the whole load, as that of annotations. A hit is of a sequence, found by its MD5: proteins and
    queries that share it share the hit, whatever the scanned file called them.
    """

    def __init__(
        self, *, unit_of_work: Callable[[], UnitOfWork], sources: SourceFiles, executor: Executor, chunk_size: int
    ) -> None:
        self._unit_of_work = unit_of_work
        self._sources = sources
        self._executor = executor
        self._chunk_size = chunk_size

    async def __call__(self, claim: JobClaim) -> None:
        """Read into a temporary table, then write what is new."""
        request = LoadInterProResults.read(claim.payload, operation=claim.operation)
        async with self._sources.open(request.source_uri) as source, self._unit_of_work() as work:
            incoming = IncomingHits(work.session)
            await incoming.open()
            reader = await self._read(claim, source, incoming)
            release = _require_release(request.ipr_release or reader.release)
            counts = await incoming.write(ipr_release=release)
            rejected = _rejected(reader, counts)
            if not counts.known:
                raise NoHitKeptError(rejected)
            await report_progress(work, claim.job_id, current=source.size_bytes, total=source.size_bytes)
            result = {
                "ipr_release": release,
                "lines": reader.data_lines,
                "hits_inserted": counts.inserted,
                "sequences": counts.sequences,
                "rejected": rejected,
            }
            await finish_job(work, claim, result=result)

    async def _read(self, claim: JobClaim, source: SourceFile, incoming: IncomingHits) -> InterProScanReader:
        reader = read_interproscan(source.lines())
        progress = ReadingProgress(self._unit_of_work, claim.job_id, total_bytes=source.size_bytes)
        async with aclosing(read_in_chunks(reader, size=self._chunk_size, executor=self._executor)) as chunks:
            async for chunk in chunks:
                await incoming.add(chunk)
                await progress.tell(source.bytes_read)
        return reader


def _require_release(release: str | None) -> str:
    if release is None:
        raise InterProReleaseUnknownError(
            "The file does not say which InterProScan wrote it; give ipr_release (--release), for example 5.67-99.0."
        )
    return release


def _rejected(reader: InterProScanReader, counts: HitCounts) -> dict[str, int]:
    parsed = reader.data_lines - reader.rejects.total()
    more = {
        HitReject.UNKNOWN_SEQUENCE: parsed - counts.known,
        HitReject.DUPLICATE: counts.known - counts.inserted,
    }
    return {reason.value: number for reason, number in (dict(reader.rejects) | more).items() if number}
