"""The declarative base: constraint names, column types by annotation, and the columns that most tables share."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, BigInteger, DateTime, Double, Identity, Integer, MetaData, String, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

__all__ = [
    "NAMING_CONVENTION",
    "Base",
    "Count",
    "CreatedAt",
    "Digest",
    "IdentityKey",
    "JsonObject",
    "TextList",
    "UpdatedAt",
    "UpperCaseEnum",
    "UuidKey",
]

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Name of every constraint and index; a migration can only alter what it can name, so a change renames them all."""


class Base(DeclarativeBase):
    """Base of every mapped class; timestamps carry their time zone, JSON is ``jsonb``, lists are arrays.

    Relationships are declared with ``lazy="raise"``: a query names what it loads, and a forgotten one fails in tests
    instead of sending a statement per row.
    """

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        float: Double,
        datetime: DateTime(timezone=True),
        UUID: Uuid,
        # Without none_as_null a column set to None holds the JSON value null, which IS NULL does not find.
        dict[str, Any]: JSONB(none_as_null=True),
        list[str]: ARRAY(Text),
        list[int]: ARRAY(Integer),
        list[float]: ARRAY(Double),
    }


class UpperCaseEnum(StrEnum):
    """A closed set of upper-case words; lower-case spellings are read too, as older clients send them."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls.__members__.get(value.upper()) if isinstance(value, str) else None


UuidKey = Annotated[UUID, mapped_column(primary_key=True, default=uuid4)]
IdentityKey = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
CreatedAt = Annotated[datetime, mapped_column(server_default=func.now())]
UpdatedAt = Annotated[datetime, mapped_column(server_default=func.now(), onupdate=func.now())]
Count = Annotated[int, mapped_column(server_default=text("0"))]
Digest = Annotated[str, mapped_column(String(64))]
JsonObject = Annotated[dict[str, Any], mapped_column(server_default=text("'{}'::jsonb"))]
TextList = Annotated[list[str], mapped_column(server_default=text("'{}'::text[]"))]
