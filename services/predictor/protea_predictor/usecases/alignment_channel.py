"""The alignment channel: whether a job has it, and the aligned references of its queries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from protea_common.db import UnitOfWork
from protea_common.domain.sequence import compute_sequence_hash
from protea_common.operations import AlignmentUse, CandidateChoices
from protea_predictor.adapters.aligner import AlignerMissingError, Mmseqs
from protea_predictor.adapters.hit_files import HitFiles
from protea_predictor.adapters.storage import ResidueStore
from protea_predictor.domain.alignment.hits import AlignedHits
from protea_predictor.domain.alignment.remembered import RememberedHits
from protea_predictor.domain.alignment.self_scores import self_bit_scores
from protea_predictor.domain.prediction import Queries
from protea_predictor.domain.reference_bank import ReferenceBank

__all__ = ["AlignmentChannel", "QueryAlignments"]

_REMEMBERED_HITS = 8_000_000
"""Hits kept in memory, some 400 MB when there are so many: those of 40,000 queries with 200 each."""


@dataclass(frozen=True, slots=True, eq=False)
class QueryAlignments:
    """What aligning the queries of a batch gave.

    Attributes
    ----------
    hits
        Aligned references of each.
    self_bit_scores
        Bits of each with itself, shape ``(n_queries,)``.
    """

    hits: AlignedHits
    self_bit_scores: NDArray[np.float64]


class _Search(NamedTuple):
    """What hits follow from, beside the query's sequence."""

    digest: str
    sensitivity: float
    per_query: int


class AlignmentChannel:
    """Finds references by alignment.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    aligner
        Searches databases that are kept beside the reference banks.
    """

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], aligner: Mmseqs) -> None:
        self._unit_of_work = unit_of_work
        self._aligner = aligner
        self._building = asyncio.Lock()
        self._recalling = asyncio.Lock()
        self._recalled: set[_Search] = set()
        self._remembered = RememberedHits(_REMEMBERED_HITS)

    def is_used(self, choices: CandidateChoices) -> bool:
        """Settle whether a job has the channel; its batches keep to that wherever they run.

        Raises
        ------
        AlignerMissingError
            If it is required and the program is not there.
        """
        if choices.alignment is AlignmentUse.REQUIRED and not self._aligner.is_installed:
            raise AlignerMissingError
        return choices.alignment is not AlignmentUse.OFF and self._aligner.is_installed

    async def find(
        self, queries: Queries, bank: ReferenceBank, choices: CandidateChoices, *, digest: str
    ) -> QueryAlignments:
        """Find the references of a bank that align with queries; a query's own accession is no hit of it.

        Raises
        ------
        AlignerMissingError, AlignerFailedError, AlignerTimedOutError
            If the program is not there, fails or takes too long.
        QueriesGoneError
            If sequences were deleted.
        """
        residues = await self._residues(queries.sequence_ids.tolist())
        search = _Search(digest, choices.alignment_sensitivity, choices.alignment_hits)
        await self._recall(search)
        keys = [(search, compute_sequence_hash(sequence)) for sequence in residues]
        while missing := self._remembered.missing(keys):  # another batch may make some be forgotten meanwhile
            await self._build(bank, digest)
            found = await self._search([residues[position] for position in missing], search)
            asked = [keys[position] for position in missing]
            self._remembered.put(asked, found)
            await asyncio.to_thread(self._files(search).write, [name for _, name in asked], found)
        own_rows = bank.proteins.rows_of(queries.accessions)
        hits = self._remembered.get(keys).best(per_query=search.per_query, own_rows=own_rows)
        return QueryAlignments(hits, self_bit_scores(residues))

    async def _recall(self, search: _Search) -> None:
        """Read once what earlier processes found."""
        async with self._recalling:
            if search in self._recalled:
                return
            for names, hits in await asyncio.to_thread(lambda: list(self._files(search).read())):
                self._remembered.put([(search, name) for name in names], hits)
            self._recalled.add(search)

    def _files(self, search: _Search) -> HitFiles:
        return self._aligner.found_before(search.digest, sensitivity=search.sensitivity, per_query=search.per_query)

    async def _build(self, bank: ReferenceBank, digest: str) -> None:
        async with self._building:  # one build a process; of two processes the second to end throws its own away
            if not self._aligner.has_database(digest):
                await self._aligner.build(digest, await self._residues(bank.proteins.sequence_ids.tolist()))

    async def _search(self, residues: Sequence[str], search: _Search) -> AlignedHits:
        """Find the hits of sequences, whichever accession is the query's own: others may have its sequence."""
        return await self._aligner.search(
            search.digest,
            residues,
            own_rows=np.full(len(residues), -1),
            sensitivity=search.sensitivity,
            per_query=search.per_query + 1,
        )

    async def _residues(self, sequence_ids: list[int]) -> list[str]:
        async with self._unit_of_work() as work:
            return await ResidueStore(work.session).read(sequence_ids)
