"""Places in lists."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protea_gateway.domain.cursor import InvalidCursorError, PageCursor


@given(created_at=st.datetimes(timezones=st.just(UTC)), key=st.uuids())
def test_a_cursor_reads_back_as_it_was(created_at: datetime, key: UUID) -> None:
    cursor = PageCursor(created_at, key)

    assert PageCursor.decode(cursor.encode()) == cursor


def test_a_cursor_needs_no_escaping_in_an_address() -> None:
    text = PageCursor(datetime(2026, 1, 1, tzinfo=UTC), uuid4()).encode()

    assert text.replace("-", "").replace("_", "").isalnum()


@given(text=st.text(max_size=100))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        PageCursor.decode(text)
