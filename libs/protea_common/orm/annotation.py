"""Sets of GO annotations, each loaded once from one source and never changed."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from protea_common.orm.base import Base, CreatedAt, Digest, IdentityKey, JsonObject, UuidKey
from protea_common.orm.job import Job
from protea_common.orm.ontology import GOTerm, OntologySnapshot
from protea_common.orm.protein import Protein

__all__ = ["AnnotationSet", "ProteinGOAnnotation"]


class AnnotationSet(Base):
    """One load of annotations from one source, read with one ontology release.

    Written by ingest.

    Attributes
    ----------
    source, source_version
        For example ``goa`` and ``220``.
    source_published_at
        When the provider published the release.
    content_sha256
        Digest of the source file, decompressed.
    annotation_count
        Rows of the set, counted at load: counting them again takes minutes.
    annotated_before
        Annotations dated on or after this day were left out; null when none were.
    meta
        How the load went, with the counts of what was rejected and why.
    """

    __tablename__ = "annotation_set"

    id: Mapped[UuidKey]
    source: Mapped[str] = mapped_column(index=True)
    source_version: Mapped[str | None]
    source_published_at: Mapped[datetime | None]
    content_sha256: Mapped[Digest | None]
    annotation_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    annotated_before: Mapped[date | None]
    ontology_snapshot_id: Mapped[UUID] = mapped_column(
        ForeignKey("ontology_snapshot.id", ondelete="RESTRICT"), index=True
    )
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))
    meta: Mapped[JsonObject]
    created_at: Mapped[CreatedAt]

    ontology_snapshot: Mapped[OntologySnapshot] = relationship(back_populates="annotation_sets", lazy="raise")
    job: Mapped[Job | None] = relationship(lazy="raise")
    annotations: Mapped[list[ProteinGOAnnotation]] = relationship(
        back_populates="annotation_set", lazy="raise", passive_deletes="all"
    )


class ProteinGOAnnotation(Base):
    """A protein, a term and the evidence for it, or against it when ``is_negated``.

    Written by ingest.

    Attributes
    ----------
    qualifier
        Relation as the source writes it, ``NOT`` included.
    is_negated
        Whether the qualifier says NOT; part of the key, so that a claim and its denial both survive.
    annotation_date
        ``YYYYMMDD`` as the source writes it.
    """

    __tablename__ = "protein_go_annotation"
    __table_args__ = (
        # The first columns of this key serve look-ups by set, and by set and protein. Two rows without an evidence
        # code are the same annotation, which a plain unique key would not see.
        UniqueConstraint(
            "annotation_set_id",
            "protein_accession",
            "go_term_id",
            "evidence_code",
            "is_negated",
            name="uq_pga_set_protein_term_evidence",
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[IdentityKey]
    annotation_set_id: Mapped[UUID] = mapped_column(ForeignKey("annotation_set.id", ondelete="CASCADE"))
    protein_accession: Mapped[str] = mapped_column(ForeignKey("protein.accession", ondelete="CASCADE"), index=True)
    go_term_id: Mapped[int] = mapped_column(ForeignKey("go_term.id", ondelete="CASCADE"), index=True)
    qualifier: Mapped[str | None]
    is_negated: Mapped[bool] = mapped_column(server_default=text("false"))
    evidence_code: Mapped[str | None] = mapped_column(index=True)
    assigned_by: Mapped[str | None]
    db_reference: Mapped[str | None]
    with_from: Mapped[str | None]
    annotation_date: Mapped[str | None] = mapped_column(String(8))

    annotation_set: Mapped[AnnotationSet] = relationship(back_populates="annotations", lazy="raise")
    protein: Mapped[Protein] = relationship(lazy="raise")
    go_term: Mapped[GOTerm] = relationship(back_populates="annotations", lazy="raise")
