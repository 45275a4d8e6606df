"""Distinct amino-acid sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from protea_common.domain.sequence import compute_sequence_hash
from protea_common.orm.base import Base, CreatedAt, IdentityKey, UpdatedAt

if TYPE_CHECKING:
    from protea_common.orm.protein import Protein

__all__ = ["Sequence", "SequenceAlignment"]


class Sequence(Base):
    """One row per distinct amino-acid string; many proteins and query entries may point at it.

    Written by ingest.

    The gateway adds those of query sets, by the same `protea_common.sequence_store`.

    Attributes
    ----------
    sequence
        Residues in upper case, without white space.
    sequence_hash
        MD5 of ``sequence`` in hex. It finds the row; whoever relies on identity compares the string too.
    length
        Residues.
    """

    __tablename__ = "sequence"

    id: Mapped[IdentityKey]
    sequence: Mapped[str]
    sequence_hash: Mapped[str] = mapped_column(String(32), unique=True)
    length: Mapped[int]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    proteins: Mapped[list[Protein]] = relationship(back_populates="sequence", lazy="raise", passive_deletes="all")

    @staticmethod
    def compute_hash(sequence: str) -> str:
        """Forward to `protea_common.domain.sequence.compute_sequence_hash`."""
        return compute_sequence_hash(sequence)


class SequenceAlignment(Base):
    """Figures of the global (nw) and the local (sw) alignment of two sequences, kept because most pairs come again.

    Written by the predictor.
    It is a cache: emptying it costs time and nothing else, so no row of it points anywhere.

    Attributes
    ----------
    query_hash, ref_hash
        MD5 of both sequences in hex.
    identity_nw, similarity_nw, gaps_pct_nw
        Fractions of the columns, in [0, 1]; the same for sw.
    alignment_score_nw, alignment_length_nw
        Raw score and columns; the same for sw.
    length_query, length_ref
        Residues.
    """

    __tablename__ = "sequence_alignment"

    query_hash: Mapped[str] = mapped_column(String(32), primary_key=True)
    ref_hash: Mapped[str] = mapped_column(String(32), primary_key=True)
    identity_nw: Mapped[float]
    similarity_nw: Mapped[float]
    alignment_score_nw: Mapped[float]
    gaps_pct_nw: Mapped[float]
    alignment_length_nw: Mapped[float]
    identity_sw: Mapped[float]
    similarity_sw: Mapped[float]
    alignment_score_sw: Mapped[float]
    gaps_pct_sw: Mapped[float]
    alignment_length_sw: Mapped[float]
    length_query: Mapped[float]
    length_ref: Mapped[float]
