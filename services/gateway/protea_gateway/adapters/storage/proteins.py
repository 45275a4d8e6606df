"""Proteins with their sequences."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import Protein
from protea_common.orm import Sequence as SequenceRow
from protea_gateway.domain.fasta_lines import FastaProtein

__all__ = ["ProteinStore"]

_BLOCK: Final = 1_000
"""Proteins whose residues are held at a time."""


class ProteinStore:
    """Reads proteins."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def with_sequences(self, accessions: Sequence[str]) -> AsyncIterator[list[FastaProtein]]:
        """Read proteins by the block, in the order given; those without a stored sequence are left out."""
        columns = (Protein.accession, Protein.entry_name, Protein.organism, Protein.taxonomy_id, SequenceRow.sequence)
        statement = select(*columns).join(SequenceRow, SequenceRow.id == Protein.sequence_id)
        for start in range(0, len(accessions), _BLOCK):
            block = accessions[start : start + _BLOCK]
            rows = await self._session.execute(statement.where(Protein.accession.in_(block)))
            found = {row.accession: FastaProtein(*row) for row in rows}
            yield [found[accession] for accession in block if accession in found]
