"""Days of annotations, as sources write them."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ColumnElement

from protea_common.orm import ProteinGOAnnotation

__all__ = ["dated_until"]

_DAY = "^[0-9]{8}$"
"""A day as sources write it; what is none has no place in time."""


def dated_until(day: date | None) -> list[ColumnElement[bool]]:
    """Leave out annotations of later days or of none; ``None`` lets all in."""
    if day is None:
        return []
    written = ProteinGOAnnotation.annotation_date
    return [written.regexp_match(_DAY), written <= f"{day:%Y%m%d}"]
