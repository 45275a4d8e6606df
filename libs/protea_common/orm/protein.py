"""Proteins and what UniProt says about them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from protea_common.domain.sequence import parse_isoform
from protea_common.orm.base import Base, CreatedAt, UpdatedAt
from protea_common.orm.sequence import Sequence

__all__ = ["Protein", "ProteinUniProtMetadata"]

_SAME_ENTRY = "foreign(Protein.canonical_accession) == remote(ProteinUniProtMetadata.canonical_accession)"
_SAME_ENTRY_REVERSED = "foreign(ProteinUniProtMetadata.canonical_accession) == remote(Protein.canonical_accession)"


class Protein(Base):
    """One UniProt accession; an isoform (``P12345-2``) has a row of its own.

    Written by ingest.

    Attributes
    ----------
    canonical_accession
        Accession without the isoform suffix; it groups the isoforms of an entry.
    reviewed
        Whether a curator reviewed the entry (Swiss-Prot); null when the source does not say.
    taxonomy_id
        NCBI taxonomy id.
    length
        Residues.
    sequence_id
        Sequence of this accession; not unique, since different proteins may share one.
    """

    __tablename__ = "protein"

    accession: Mapped[str] = mapped_column(primary_key=True)
    canonical_accession: Mapped[str] = mapped_column(index=True)
    is_canonical: Mapped[bool] = mapped_column(server_default=text("true"))
    isoform_index: Mapped[int | None]
    entry_name: Mapped[str | None] = mapped_column(index=True)
    reviewed: Mapped[bool | None] = mapped_column(index=True)
    taxonomy_id: Mapped[int | None] = mapped_column(index=True)
    organism: Mapped[str | None]
    gene_name: Mapped[str | None]
    length: Mapped[int | None]
    sequence_id: Mapped[int | None] = mapped_column(ForeignKey("sequence.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    sequence: Mapped[Sequence | None] = relationship(back_populates="proteins", lazy="raise")
    uniprot_metadata: Mapped[ProteinUniProtMetadata | None] = relationship(
        primaryjoin=_SAME_ENTRY, viewonly=True, uselist=False, lazy="raise"
    )

    @staticmethod
    def parse_isoform(accession: str) -> tuple[str, bool, int | None]:
        """Forward to `protea_common.domain.sequence.parse_isoform`."""
        return parse_isoform(accession)


class ProteinUniProtMetadata(Base):
    """What UniProt says about an entry, once for all its isoforms; joined on the accession, without a foreign key.

    Written by ingest.
    """

    __tablename__ = "protein_uniprot_metadata"

    canonical_accession: Mapped[str] = mapped_column(primary_key=True)
    absorption: Mapped[str | None]
    active_site: Mapped[str | None]
    binding_site: Mapped[str | None]
    catalytic_activity: Mapped[str | None]
    cofactor: Mapped[str | None]
    dna_binding: Mapped[str | None]
    ec_number: Mapped[str | None]
    activity_regulation: Mapped[str | None]
    function_cc: Mapped[str | None]
    pathway: Mapped[str | None]
    kinetics: Mapped[str | None]
    ph_dependence: Mapped[str | None]
    redox_potential: Mapped[str | None]
    rhea_id: Mapped[str | None]
    site: Mapped[str | None]
    temperature_dependence: Mapped[str | None]
    keywords: Mapped[str | None]
    features: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    proteins: Mapped[list[Protein]] = relationship(
        primaryjoin=_SAME_ENTRY_REVERSED, viewonly=True, uselist=True, lazy="raise"
    )
