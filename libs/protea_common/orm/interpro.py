"""InterPro: signatures found on proteins, and the GO terms that entries imply."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from protea_common.orm.base import Base, CreatedAt, UuidKey
from protea_common.orm.protein import Protein

__all__ = ["InterProAnnotation", "InterProGoMapping", "InterProGoRelease"]


class InterProAnnotation(Base):
    """A signature hit on a sequence; hits of several InterPro releases may stand side by side.

    Written by ingest.

    Attributes
    ----------
    sequence_id
        Whose hit it is: proteins and queries that share a sequence share its hits.
    protein_accession
        Protein as which it was scanned, where it was one; null for a query.
    source_db
        Member database: Pfam, PANTHER, SMART ...
    accession
        InterPro entry or signature, as the source names it.
    start, end
        Residues, 1-based, inclusive.
    evidence
        Score or e-value as the source writes it.
    """

    __tablename__ = "interpro_annotation"
    __table_args__ = (
        CheckConstraint("start >= 1", name="start_is_positive"),
        CheckConstraint('"end" >= start', name="end_not_before_start"),
        # The first column of this key serves look-ups by sequence alone.
        UniqueConstraint(
            "sequence_id", "ipr_release", "source_db", "accession", "start", "end", name="uq_interpro_annotation_hit"
        ),
    )

    id: Mapped[UuidKey]
    sequence_id: Mapped[int] = mapped_column(ForeignKey("sequence.id", ondelete="CASCADE"))
    protein_accession: Mapped[str | None] = mapped_column(
        ForeignKey("protein.accession", ondelete="CASCADE"), index=True
    )
    source_db: Mapped[str]
    accession: Mapped[str] = mapped_column(index=True)
    start: Mapped[int]
    end: Mapped[int]
    evidence: Mapped[str | None]
    ipr_release: Mapped[str]
    created_at: Mapped[CreatedAt]

    protein: Mapped[Protein | None] = relationship(lazy="raise")


class InterProGoMapping(Base):
    """An InterPro entry and a GO term it implies; no foreign key, since the file follows no ontology release.

    Written by ingest.
    """

    __tablename__ = "interpro_go_mapping"
    __table_args__ = (
        # The first column of this key serves look-ups by ipr_accession alone.
        UniqueConstraint("ipr_accession", "go_id", "source_version", name="uq_interpro_go_mapping_pair"),
    )

    id: Mapped[UuidKey]
    ipr_accession: Mapped[str] = mapped_column(String(32))
    go_id: Mapped[str] = mapped_column(String(16), index=True)
    evidence: Mapped[str | None]
    source_version: Mapped[str]
    created_at: Mapped[CreatedAt]


class InterProGoRelease(Base):
    """A release of the mapping of InterPro entries to GO terms, by the name that ``interpro_go_mapping`` gives it.

    Written by ingest.

    Attributes
    ----------
    released_on
        The day of its file, the latest where several were loaded; null where no file tells.
    """

    __tablename__ = "interpro_go_release"

    source_version: Mapped[str] = mapped_column(primary_key=True)
    released_on: Mapped[date | None]
    created_at: Mapped[CreatedAt]
