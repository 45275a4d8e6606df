"""Residues of sequences, which ingest and the gateway write."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ARRAY, BigInteger, any_, cast, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import Sequence as SequenceRow
from protea_predictor.adapters.storage.queries import QueriesGoneError

__all__ = ["ResidueStore"]

_SEQUENCES_PER_READ = 5_000
"""Sequences asked for at a time, some 2 MB; more hold the event loop longer."""


class ResidueStore:
    """Table ``sequence``, by id."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def read(self, sequence_ids: Sequence[int]) -> list[str]:
        """Read the residues of sequences, in the order given; an id may come twice.

        Raises
        ------
        QueriesGoneError
            If one is not there any more.
        """
        wanted = sorted(set(sequence_ids))
        found: dict[int, str] = {}
        for start in range(0, len(wanted), _SEQUENCES_PER_READ):
            ids = cast(wanted[start : start + _SEQUENCES_PER_READ], ARRAY(BigInteger))
            statement = select(SequenceRow.id, SequenceRow.sequence).where(SequenceRow.id == any_(ids))
            found.update((row.id, row.sequence) for row in await self._session.execute(statement))
        if len(found) < len(wanted):
            raise QueriesGoneError(
                f"{len(wanted) - len(found)} of {len(wanted)} sequences were deleted while the job ran; submit it "
                "again."
            )
        return [found[sequence_id] for sequence_id in sequence_ids]
