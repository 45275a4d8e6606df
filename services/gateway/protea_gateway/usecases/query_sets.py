"""Taking in a FASTA file: a first reading measures and checks it, a second one writes it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice
from typing import Final

from protea_common.db import UnitOfWork
from protea_common.domain.fasta import FastaLimits, FastaRecord, read_fasta
from protea_common.domain.text_stream import read_text_lines
from protea_common.orm import QuerySet
from protea_gateway.adapters.received_file import ReceivedFile
from protea_gateway.adapters.storage.query_sets import NewQuerySet, QuerySetStore

__all__ = ["CheckedFasta", "FastaReading", "QuerySetWriter"]

BLOCK_RECORDS: Final = 2_000
"""Records that pass from the parsing thread to the database at a time; more of them cost memory."""


@dataclass(frozen=True, slots=True)
class FastaReading:
    """How much a FASTA file may hold.

    Attributes
    ----------
    limits
        Of its records.
    max_decompressed_bytes
        Of its text.
    """

    limits: FastaLimits
    max_decompressed_bytes: int

    def lines(self, file: ReceivedFile) -> Iterator[str]:
        """Stream the lines of a file, compressed or not."""
        return read_text_lines(file.chunks(), max_decompressed_bytes=self.max_decompressed_bytes)

    def records(self, lines: Iterable[str]) -> Iterator[FastaRecord]:
        """Stream the records in lines."""
        return read_fasta(lines, limits=self.limits)


@dataclass(frozen=True, slots=True)
class CheckedFasta:
    r"""A FASTA file that was read to its end without a fault.

    Attributes
    ----------
    content_sha256
        Of its text with ``\n`` line ends, so that compressed and plain files of the same text are the same.
    """

    file: ReceivedFile
    content_sha256: str
    entry_count: int
    residue_count: int


class QuerySetWriter:
    """Checks FASTA files and makes query sets of them.

    Parameters
    ----------
    reading
        How much a file may hold.
    executor
        Threads for parsing, which would hold up the event loop.
    """

    def __init__(self, *, reading: FastaReading, executor: Executor) -> None:
        self._reading = reading
        self._executor = executor

    async def check(self, file: ReceivedFile) -> CheckedFasta:
        """Read a file to its end and write nothing.

        Raises
        ------
        FastaFormatError, NotTextError, TruncatedGzipError
            If it cannot be read.
        FastaLimitError, TooLargeError
            If it holds too much.
        """
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._check, file)

    async def find_or_add(self, work: UnitOfWork, fasta: CheckedFasta, *, name: str) -> QuerySet:
        """Give the query set with this content, and write one if there is none."""
        same = await QuerySetStore(work.session).find_same(fasta.content_sha256)
        return same or await self.add(work, fasta, name=name, description=None)

    async def add(self, work: UnitOfWork, fasta: CheckedFasta, *, name: str, description: str | None) -> QuerySet:
        """Write a query set with its entries and the sequences that are new."""
        store = QuerySetStore(work.session)
        query_set = await store.add(
            NewQuerySet(name, description, fasta.content_sha256, fasta.entry_count, fasta.residue_count)
        )
        await store.begin_entries()
        records = self._reading.records(self._reading.lines(fasta.file))
        while block := await asyncio.get_running_loop().run_in_executor(self._executor, _take, records):
            await store.take_entries(block)
        await store.finish_entries(query_set.id)
        return query_set

    def _check(self, file: ReceivedFile) -> CheckedFasta:
        digest = hashlib.sha256()
        entries = residues = 0
        for record in self._reading.records(_observed(self._reading.lines(file), digest.update)):
            entries += 1
            residues += len(record.sequence)
        return CheckedFasta(file, digest.hexdigest(), entries, residues)


def _take(records: Iterator[FastaRecord]) -> list[FastaRecord]:
    return list(islice(records, BLOCK_RECORDS))


def _observed(lines: Iterable[str], observe: Callable[[bytes], object]) -> Iterator[str]:
    for line in lines:
        observe(line.encode() + b"\n")
        yield line
