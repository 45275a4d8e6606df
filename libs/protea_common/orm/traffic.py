"""Visits to the pages, counted without knowing who came."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from protea_common.orm.base import Base, CreatedAt, IdentityKey

__all__ = ["VisitorEvent"]


class VisitorEvent(Base):
    """One visit to a page.

    Written by the gateway.

    Attributes
    ----------
    visitor_hash
        First 16 hex digits of the SHA-256 over the day's salt and the address. The salt is never stored, so nobody
        can be followed from one day to the next.
    """

    __tablename__ = "visitor_event"
    __table_args__ = (Index(None, "day", "visitor_hash"),)

    id: Mapped[IdentityKey]
    day: Mapped[date]
    visitor_hash: Mapped[str] = mapped_column(String(16))
    path: Mapped[str] = mapped_column(String(255), index=True)
    method: Mapped[str] = mapped_column(String(8))
    status: Mapped[int]
    created_at: Mapped[CreatedAt] = mapped_column(index=True)
