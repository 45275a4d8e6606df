"""Who may call the API."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from protea_common.orm.base import Base, CreatedAt, Digest, UuidKey

__all__ = ["ApiKey"]


class ApiKey(Base):
    """An API key; the key itself is shown once and never stored.

    Written by the gateway.

    Attributes
    ----------
    key_hash
        SHA-256 of the key in hex.
    prefix
        First 8 characters of the key: they find the row, and name the key in lists.
    revoked_at
        From when on it is refused, for good; null while it is valid.
    last_used_at
        Best effort, not part of any decision.
    """

    __tablename__ = "api_key"

    id: Mapped[UuidKey]
    key_hash: Mapped[Digest] = mapped_column(unique=True)
    prefix: Mapped[str] = mapped_column(String(8), index=True)
    name: Mapped[str] = mapped_column(String(255))
    role: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
