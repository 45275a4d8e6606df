"""Table ``sequence``: each distinct amino-acid string once, found by its MD5 and told apart by the string itself."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import String, Text, column, func, select, table
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.errors import PermanentError
from protea_common.orm import Sequence as SequenceRow

__all__ = ["SequenceHashCollisionError", "SequenceStore"]


class SequenceHashCollisionError(PermanentError):
    """Two different sequences have the same MD5, so that one would be taken for the other.

    Attributes
    ----------
    sequence_hash
        The MD5 that they share.
    """

    slug: ClassVar[str] = "sequence-hash-collision"

    def __init__(self, sequence_hash: str) -> None:
        super().__init__(
            f"Another sequence with the MD5 {sequence_hash} is stored already, and PROTEA tells sequences apart by it; "
            "find the record with this MD5 in your file and take it out."
        )
        self.sequence_hash = sequence_hash


class SequenceStore:
    """Keeps sequences; written by whoever brings some in, so that equal ones share a row."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def merge(self, staging: str) -> int:
        """Store what is new among the rows of a table; give how many sequences that added.

        Parameters
        ----------
        staging
            Table of this transaction with the columns ``sequence_hash`` and ``sequence`` (normalised residues and their
            MD5); repeats are fine. Joined by the hash afterwards, it finds the row of each.

        Raises
        ------
        SequenceHashCollisionError
            If two different sequences have the same hash, in the table or in the database.
        """
        incoming = table(staging, column("sequence_hash", String), column("sequence", Text))
        known = select(SequenceRow.id).where(SequenceRow.sequence_hash == incoming.c.sequence_hash).exists()
        fresh = (
            select(incoming.c.sequence_hash, incoming.c.sequence, func.length(incoming.c.sequence))
            .ext(distinct_on(incoming.c.sequence_hash))
            .where(~known)
            # In the order of the key: of two who bring the same sequences the second waits, and neither deadlocks.
            .order_by(incoming.c.sequence_hash)
        )
        columns = ["sequence_hash", "sequence", "length"]
        statement = upsert(SequenceRow).from_select(columns, fresh).on_conflict_do_nothing()
        connection = await self._session.connection()
        inserted = (await connection.execute(statement)).rowcount
        collision = await self._session.scalar(
            select(SequenceRow.sequence_hash)
            .join(incoming, incoming.c.sequence_hash == SequenceRow.sequence_hash)
            .where(incoming.c.sequence != SequenceRow.sequence)
            .limit(1)
        )
        if collision is not None:
            raise SequenceHashCollisionError(collision)
        return inserted
