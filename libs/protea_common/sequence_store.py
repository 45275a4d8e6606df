"""Table ``sequence``: each distinct amino-acid string once, found by its MD5 and told apart by the string itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sqlalchemy import Select, String, Text, column, func, select, table, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db import copy_rows
from protea_common.domain.sequence import compute_sequence_hash
from protea_common.errors import PermanentError
from protea_common.orm import Sequence as SequenceRow

__all__ = ["SequenceHashCollisionError", "SequenceStore"]

_STAGING = "incoming_sequence"


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

    async def upsert(self, sequences: Sequence[str]) -> dict[str, int]:
        """Store what is new.

        Parameters
        ----------
        sequences
            Normalised residues; repeats are fine.

        Returns
        -------
        ids
            Row of each distinct sequence.

        Raises
        ------
        SequenceHashCollisionError
            If one has the hash of a different one, here or in the database.
        """
        hashes = {sequence: compute_sequence_hash(sequence) for sequence in sequences}
        await self._session.execute(
            text(f"CREATE TEMPORARY TABLE {_STAGING} (sequence_hash varchar(32), sequence text) ON COMMIT DROP")
        )
        rows = ((sequence_hash, sequence) for sequence, sequence_hash in hashes.items())
        await copy_rows(self._session, _STAGING, ("sequence_hash", "sequence"), rows)
        await self.merge(_STAGING)
        id_of = await self._ids_of_staged()
        await self._session.execute(text(f"DROP TABLE {_STAGING}"))
        return {sequence: id_of[sequence_hash] for sequence, sequence_hash in hashes.items()}

    async def merge(self, staging: str) -> int:
        """Store what is new among the rows of a table; give how many sequences that added.

        Parameters
        ----------
        staging
            Table of this transaction with the columns ``sequence_hash`` and ``sequence``; repeats are fine.

        Raises
        ------
        SequenceHashCollisionError
            As for `upsert`.
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
        await self._refuse_collision(
            select(SequenceRow.sequence_hash)
            .join(incoming, incoming.c.sequence_hash == SequenceRow.sequence_hash)
            .where(incoming.c.sequence != SequenceRow.sequence)
            .limit(1)
        )
        return inserted

    async def _refuse_collision(self, different: Select[str]) -> None:
        sequence_hash = await self._session.scalar(different)
        if sequence_hash is not None:
            raise SequenceHashCollisionError(sequence_hash)

    async def _ids_of_staged(self) -> dict[str, int]:
        incoming = table(_STAGING, column("sequence_hash", String))
        statement = select(SequenceRow.sequence_hash, SequenceRow.id).join(
            incoming, incoming.c.sequence_hash == SequenceRow.sequence_hash
        )
        return {row.sequence_hash: row.id for row in await self._session.execute(statement)}
