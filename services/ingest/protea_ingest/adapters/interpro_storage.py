"""SQL of InterPro: hits on sequences, and the mapping of entries to GO terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db import copy_rows
from protea_ingest.domain.interpro2go import EntryTerm
from protea_ingest.domain.interproscan import SignatureHit

__all__ = ["HitCounts", "IncomingHits", "IncomingMapping"]

_CREATE_INCOMING_HIT = text("""
    CREATE TEMPORARY TABLE incoming_hit (
        sequence_hash varchar(32), accession text, source_db text, entry text, first integer, last integer,
        evidence text
    ) ON COMMIT DROP
""")

# In the order of the key: of two jobs that write the same hits the second waits, and neither deadlocks.
_INSERT_HITS = text("""
    INSERT INTO interpro_annotation
        (id, sequence_id, protein_accession, source_db, accession, start, "end", evidence, ipr_release)
    SELECT gen_random_uuid(), sequence.id, protein.accession, source_db, entry, first, last, evidence, :ipr_release
    FROM incoming_hit JOIN sequence USING (sequence_hash)
    LEFT JOIN protein ON protein.accession = incoming_hit.accession AND protein.sequence_id = sequence.id
    ORDER BY sequence.id, source_db, entry, first, last, protein.accession, evidence
    ON CONFLICT DO NOTHING
""")

_COUNT_KNOWN = text("""
    SELECT count(*) AS hits, count(DISTINCT sequence_hash) AS sequences
    FROM incoming_hit JOIN sequence USING (sequence_hash)
""")

_CREATE_INCOMING_MAPPING = text("""
    CREATE TEMPORARY TABLE incoming_mapping (ipr_accession varchar(32), go_id varchar(16)) ON COMMIT DROP
""")

_INSERT_MAPPING = text("""
    INSERT INTO interpro_go_mapping (id, ipr_accession, go_id, evidence, source_version)
    SELECT gen_random_uuid(), ipr_accession, go_id, :evidence, :source_version
    FROM (SELECT DISTINCT ipr_accession, go_id FROM incoming_mapping ORDER BY 1, 2) AS pair
    ON CONFLICT DO NOTHING
""")

# A day that is not told leaves the one that was: greatest() passes over nulls.
_UPSERT_RELEASE = text("""
    INSERT INTO interpro_go_release AS release (source_version, released_on) VALUES (:source_version, :released_on)
    ON CONFLICT (source_version) DO UPDATE
    SET released_on = greatest(release.released_on, excluded.released_on)
    RETURNING released_on
""")


@dataclass(frozen=True, slots=True)
class HitCounts:
    """What a load of hits came to.

    Attributes
    ----------
    known
        Hits on sequences that the database has.
    sequences
        Those sequences.
    inserted
        Hits that were new.
    """

    known: int
    sequences: int
    inserted: int


class IncomingHits:
    """The hits of one load, first in a temporary table of the transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def open(self) -> None:
        """Make the temporary table; it goes with the transaction."""
        await self._session.execute(_CREATE_INCOMING_HIT)

    async def add(self, hits: Sequence[SignatureHit]) -> None:
        """Take hits in."""
        await copy_rows(self._session, "incoming_hit", SignatureHit._fields, hits)

    async def write(self, *, ipr_release: str) -> HitCounts:
        """Store the hits on known sequences, each once in a release."""
        known = (await self._session.execute(_COUNT_KNOWN)).one()
        connection = await self._session.connection()
        written = await connection.execute(_INSERT_HITS, {"ipr_release": ipr_release})
        return HitCounts(known.hits, known.sequences, written.rowcount)


class IncomingMapping:
    """The pairs of one load, first in a temporary table of the transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def open(self) -> None:
        """Make the temporary table; it goes with the transaction."""
        await self._session.execute(_CREATE_INCOMING_MAPPING)

    async def add(self, pairs: Sequence[EntryTerm]) -> None:
        """Take pairs in."""
        await copy_rows(self._session, "incoming_mapping", EntryTerm._fields, pairs)

    async def write(self, *, source_version: str, evidence: str) -> int:
        """Store the pairs, each once in a release; give how many were new."""
        connection = await self._session.connection()
        values = {"source_version": source_version, "evidence": evidence}
        return (await connection.execute(_INSERT_MAPPING, values)).rowcount

    async def keep_day(self, *, source_version: str, released_on: date | None) -> date | None:
        """Keep the day of a release, the latest of those that were told; give it."""
        values = {"source_version": source_version, "released_on": released_on}
        day: date | None = (await self._session.execute(_UPSERT_RELEASE, values)).scalar_one()
        return day
