"""Sets of proteins that someone asks about."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from protea_common.orm.base import Base, Count, CreatedAt, Digest, IdentityKey, UuidKey
from protea_common.orm.sequence import Sequence

__all__ = ["QuerySet", "QuerySetEntry"]


class QuerySet(Base):
    """A FASTA file that was handed in.

    Written by the gateway.

    Attributes
    ----------
    content_sha256
        Digest of the file.
    entry_count, residue_count
        Proteins, and residues in all.
    """

    __tablename__ = "query_set"

    id: Mapped[UuidKey]
    name: Mapped[str]
    description: Mapped[str | None]
    content_sha256: Mapped[Digest | None]
    entry_count: Mapped[Count]
    residue_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    created_at: Mapped[CreatedAt]

    entries: Mapped[list[QuerySetEntry]] = relationship(
        back_populates="query_set", lazy="raise", order_by="QuerySetEntry.id", passive_deletes="all"
    )


class QuerySetEntry(Base):
    """One protein of a query set.

    Written by the gateway.

    Attributes
    ----------
    accession
        Identifier as the FASTA header has it; it need not exist in ``protein``.
    species, taxonomy_id
        From ``OS=`` and ``OX=`` of the header.
    """

    __tablename__ = "query_set_entry"
    __table_args__ = (UniqueConstraint("query_set_id", "accession"),)

    id: Mapped[IdentityKey]
    query_set_id: Mapped[UUID] = mapped_column(ForeignKey("query_set.id", ondelete="CASCADE"))
    sequence_id: Mapped[int] = mapped_column(ForeignKey("sequence.id", ondelete="RESTRICT"), index=True)
    accession: Mapped[str] = mapped_column(index=True)
    species: Mapped[str | None]
    taxonomy_id: Mapped[int | None]
    created_at: Mapped[CreatedAt]

    query_set: Mapped[QuerySet] = relationship(back_populates="entries", lazy="raise")
    sequence: Mapped[Sequence] = relationship(lazy="raise")
