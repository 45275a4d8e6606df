"""Distinct amino-acid sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from protea_common.domain.sequence import compute_sequence_hash
from protea_common.orm.base import Base, CreatedAt, IdentityKey, UpdatedAt

if TYPE_CHECKING:
    from protea_common.orm.protein import Protein

__all__ = ["Sequence"]


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
