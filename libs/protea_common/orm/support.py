"""What visitors say."""

from __future__ import annotations

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped

from protea_common.orm.base import Base, CreatedAt, UuidKey

__all__ = ["SupportEntry"]


class SupportEntry(Base):
    """A visitor's thumbs-up, with a comment of at most 500 characters if they left one.

    Written by the gateway.
    """

    __tablename__ = "support_entry"
    __table_args__ = (CheckConstraint("char_length(comment) <= 500", name="comment_length"),)

    id: Mapped[UuidKey]
    comment: Mapped[str | None]
    created_at: Mapped[CreatedAt]
