"""The place in a list that is read page by page, newest first."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from protea_common.errors import PermanentError

__all__ = ["InvalidCursorError", "PageCursor"]


class InvalidCursorError(PermanentError):
    """The `after` of a list was not given out by this list; take it from the Link header of the page before."""

    slug = "invalid-cursor"


@dataclass(frozen=True, slots=True)
class PageCursor:
    """The last item of a page: the next page starts behind it.

    Attributes
    ----------
    created_at, id
        Items are ordered by both: times alone may tie.
    """

    created_at: datetime
    id: UUID

    def encode(self) -> str:
        """Write the cursor as URL-safe text."""
        return base64.urlsafe_b64encode(f"{self.created_at.isoformat()}|{self.id}".encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> PageCursor:
        """Read a cursor.

        Raises
        ------
        InvalidCursorError
            If it is none.
        """
        try:
            plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
            created_at, _, key = plain.partition("|")
            cursor = cls(datetime.fromisoformat(created_at), UUID(key))
        except (ValueError, binascii.Error) as exc:
            raise InvalidCursorError(f"{text[:80]!r} is no place in this list; follow its Link header.") from exc
        if cursor.created_at.tzinfo is None:
            raise InvalidCursorError(f"{text[:80]!r} is no place in this list; follow its Link header.")
        return cursor
