"""Releases of the Gene Ontology: their terms and the edges between them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, ForeignKey, String, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from protea_common.orm.base import Base, Count, Digest, IdentityKey, TextList, UuidKey

if TYPE_CHECKING:
    from protea_common.orm.annotation import AnnotationSet, ProteinGOAnnotation

__all__ = ["GOTerm", "GOTermRelationship", "OntologySnapshot"]


class OntologySnapshot(Base):
    """One loaded release of the Gene Ontology.

    Written by ingest.

    Attributes
    ----------
    obo_url
        Where the file came from.
    obo_version
        ``data-version`` of its header, for example ``releases/2024-01-17``.
    obo_sha256
        Digest of the file, decompressed; the public address moves, so only this says which file it was.
    artifact_uri
        Archived copy in the artifact store.
    ia_url
        Information accretion of its terms; null means 1 for each.
    """

    __tablename__ = "ontology_snapshot"

    id: Mapped[UuidKey]
    obo_url: Mapped[str]
    obo_version: Mapped[str] = mapped_column(unique=True)
    obo_sha256: Mapped[Digest]
    artifact_uri: Mapped[str | None]
    ia_url: Mapped[str | None]
    term_count: Mapped[Count]
    relationship_count: Mapped[Count]
    loaded_at: Mapped[datetime] = mapped_column(server_default=func.now())

    go_terms: Mapped[list[GOTerm]] = relationship(
        back_populates="ontology_snapshot", lazy="raise", passive_deletes="all"
    )
    annotation_sets: Mapped[list[AnnotationSet]] = relationship(
        back_populates="ontology_snapshot", lazy="raise", passive_deletes="all"
    )


class GOTerm(Base):
    """A term as one release has it; ids of different releases are never compared, ``go_id`` is.

    Written by ingest.

    Attributes
    ----------
    aspect
        F molecular function, P biological process, C cellular component.
    alt_ids
        Ids of terms that were merged into this one.
    replaced_by, consider
        Of an obsolete term: its successors, and terms a curator should look at.
    """

    __tablename__ = "go_term"
    __table_args__ = (
        # The first column of this key serves look-ups by go_id alone.
        UniqueConstraint("go_id", "ontology_snapshot_id", name="uq_go_term_snapshot"),
        CheckConstraint("aspect IN ('F', 'P', 'C')", name="aspect"),
    )

    id: Mapped[IdentityKey]
    go_id: Mapped[str] = mapped_column(String(15))
    name: Mapped[str | None]
    aspect: Mapped[str | None] = mapped_column(CHAR(1))
    definition: Mapped[str | None]
    is_obsolete: Mapped[bool] = mapped_column(server_default=text("false"))
    alt_ids: Mapped[TextList]
    replaced_by: Mapped[TextList]
    consider: Mapped[TextList]
    ontology_snapshot_id: Mapped[UUID] = mapped_column(
        ForeignKey("ontology_snapshot.id", ondelete="CASCADE"), index=True
    )

    ontology_snapshot: Mapped[OntologySnapshot] = relationship(back_populates="go_terms", lazy="raise")
    annotations: Mapped[list[ProteinGOAnnotation]] = relationship(
        back_populates="go_term", lazy="raise", passive_deletes="all"
    )


class GOTermRelationship(Base):
    """An edge of the ontology's graph, from child to parent.

    Written by ingest.

    Attributes
    ----------
    relation_type
        ``is_a``, ``part_of``, ``regulates`` ...; annotations propagate along the first two only.
    """

    __tablename__ = "go_term_relationship"
    __table_args__ = (
        UniqueConstraint(
            "child_go_term_id", "parent_go_term_id", "relation_type", name="uq_go_term_relationship_child_parent_type"
        ),
    )

    id: Mapped[IdentityKey]
    child_go_term_id: Mapped[int] = mapped_column(ForeignKey("go_term.id", ondelete="CASCADE"))
    parent_go_term_id: Mapped[int] = mapped_column(ForeignKey("go_term.id", ondelete="CASCADE"), index=True)
    relation_type: Mapped[str] = mapped_column(String(40))
    ontology_snapshot_id: Mapped[UUID] = mapped_column(
        ForeignKey("ontology_snapshot.id", ondelete="CASCADE"), index=True
    )

    child: Mapped[GOTerm] = relationship(foreign_keys=[child_go_term_id], lazy="raise")
    parent: Mapped[GOTerm] = relationship(foreign_keys=[parent_go_term_id], lazy="raise")
    ontology_snapshot: Mapped[OntologySnapshot] = relationship(lazy="raise")
