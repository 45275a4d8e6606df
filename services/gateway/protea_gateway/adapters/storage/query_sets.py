"""Query sets and the sequences in them, written by the thousand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import column, delete, func, insert, literal, select, table, text
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db import copy_rows
from protea_common.domain.fasta import FastaRecord
from protea_common.domain.sequence import compute_sequence_hash
from protea_common.orm import ACTIVE_STATUSES, Job, QuerySet, QuerySetEntry
from protea_common.orm import Sequence as SequenceRow
from protea_common.sequence_store import SequenceStore
from protea_gateway.adapters.storage.lookup import find
from protea_gateway.domain.errors import InUseError

__all__ = ["EntryView", "NewQuerySet", "QuerySetStore"]

_INCOMING: Final = "incoming_entry"
_GREATEST_INTEGER: Final = 2**31 - 1
_COLUMNS: Final = ("accession", "sequence_hash", "sequence", "species", "taxonomy_id")

_CREATE_INCOMING: Final = text(
    f"CREATE TEMPORARY TABLE {_INCOMING} (position bigint GENERATED ALWAYS AS IDENTITY, accession text NOT NULL,"
    " sequence_hash varchar(32) NOT NULL, sequence text NOT NULL, species text, taxonomy_id integer) ON COMMIT DROP"
)
_FIELDS: Final = ("accession", "species", "taxonomy_id")


@dataclass(frozen=True, slots=True)
class NewQuerySet:
    """A query set to be written, as a first look at its file measured it."""

    name: str
    description: str | None
    content_sha256: str
    entry_count: int
    residue_count: int


@dataclass(frozen=True, slots=True)
class EntryView:
    """One protein of a query set, without its residues."""

    accession: str
    species: str | None
    taxonomy_id: int | None
    length: int


class QuerySetStore:
    """Reads and writes query sets."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find_same(self, content_sha256: str) -> QuerySet | None:
        """Find the oldest set with this content; nobody else can add one until the transaction ends."""
        await self._session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(content_sha256, 0))))
        query = select(QuerySet).where(QuerySet.content_sha256 == content_sha256)
        return (await self._session.scalars(query.order_by(QuerySet.created_at, QuerySet.id).limit(1))).one_or_none()

    async def add(self, new: NewQuerySet) -> QuerySet:
        """Write a set without entries."""
        statement = insert(QuerySet).values(
            id=uuid4(),
            name=new.name,
            description=new.description,
            content_sha256=new.content_sha256,
            entry_count=new.entry_count,
            residue_count=new.residue_count,
        )
        return (await self._session.scalars(statement.returning(QuerySet))).one()

    async def begin_entries(self) -> None:
        """Make room for the entries of one set; it is gone at the end of the transaction."""
        await self._session.execute(_CREATE_INCOMING)

    async def take_entries(self, records: Iterable[FastaRecord]) -> None:
        """Bring a block of entries to the database."""
        await copy_rows(self._session, _INCOMING, _COLUMNS, map(_entry, records))

    async def finish_entries(self, query_set_id: UUID) -> None:
        """Write all entries that were taken, with the sequences that are new.

        Raises
        ------
        SequenceHashCollisionError
            If a sequence differs from the stored one with the same hash.
        """
        await SequenceStore(self._session).merge(_INCOMING)
        incoming = table(_INCOMING, column("position"), column("sequence_hash"), *map(column, _FIELDS))
        entries = (
            select(literal(query_set_id), SequenceRow.id, *(incoming.c[field] for field in _FIELDS))
            .join(incoming, incoming.c.sequence_hash == SequenceRow.sequence_hash)
            .order_by(incoming.c.position)
        )
        columns = ["query_set_id", "sequence_id", *_FIELDS]
        await self._session.execute(insert(QuerySetEntry).from_select(columns, entries))

    async def get(self, query_set_id: UUID) -> QuerySet:
        """Read a set, or raise `NotFoundError`."""
        return await find(self._session, QuerySet, query_set_id)

    async def page(self, *, content_sha256: str | None, limit: int, offset: int) -> Sequence[QuerySet]:
        """List sets, newest first; all, or those of one content."""
        query = select(QuerySet).order_by(QuerySet.created_at.desc(), QuerySet.id)
        if content_sha256 is not None:
            query = query.where(QuerySet.content_sha256 == content_sha256)
        return (await self._session.scalars(query.limit(limit).offset(offset))).all()

    async def entries(self, query_set_id: UUID, *, limit: int, offset: int) -> Sequence[EntryView]:
        """List a set's proteins in the order of the file."""
        rows = await self._session.execute(
            select(QuerySetEntry.accession, QuerySetEntry.species, QuerySetEntry.taxonomy_id, SequenceRow.length)
            .join(SequenceRow, SequenceRow.id == QuerySetEntry.sequence_id)
            .where(QuerySetEntry.query_set_id == query_set_id)
            .order_by(QuerySetEntry.id)
            .limit(limit)
            .offset(offset)
        )
        return [EntryView(*row) for row in rows]

    async def delete(self, query_set_id: UUID) -> None:
        """Delete a set and its entries; predictions made for it stay.

        Raises
        ------
        InUseError
            If an active job works on it.
        """
        await self.get(query_set_id)
        working = select(Job.id).where(
            Job.status.in_(ACTIVE_STATUSES), Job.payload["query_set_id"].astext == str(query_set_id)
        )
        job_id = await self._session.scalar(working.order_by(Job.created_at).limit(1))
        if job_id is not None:
            raise InUseError(f"Job {job_id} works on the query set {query_set_id}; cancel it or wait until it ends.")
        await self._session.execute(delete(QuerySet).where(QuerySet.id == query_set_id))


def _entry(record: FastaRecord) -> tuple[str, str, str, str | None, int | None]:
    taxonomy_id = record.taxonomy_id
    if taxonomy_id is not None and taxonomy_id > _GREATEST_INTEGER:
        taxonomy_id = None
    return record.accession, compute_sequence_hash(record.sequence), record.sequence, record.organism, taxonomy_id
