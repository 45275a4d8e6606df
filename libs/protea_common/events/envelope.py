"""The CloudEvents 1.0 envelope of every event, and the base class of the events themselves."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from protea_common.errors import ContractError

__all__ = ["Envelope", "Event", "EventFormatError", "uuid7"]

_PREFIX = "cloudEvents_"
"""CloudEvents AMQP binding 1.0.2 §3.1: attributes travel as properties with this prefix."""


class EventFormatError(ContractError):
    """A message on the bus is not an event that PROTEA knows."""


class Event(BaseModel):
    """A fact that happened, frozen; subclasses name it and list identifiers, counts and object keys.

    Whoever publishes may set only the fields declared here. Whoever consumes ignores fields it does not know
    (`from_body`), so a field may be added without a new version.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: ClassVar[str]
    """Name of the event on the bus, for example ``embeddings.batch.done``."""
    schema_version: ClassVar[int] = 1
    """Raised when a field changes its meaning; the old version is then sent beside the new one."""

    @property
    def routing_key(self) -> str:
        """Key under which the topic exchange routes the event."""
        return self.type

    @property
    def subject(self) -> UUID | None:
        """Job that the event is about."""
        return getattr(self, "job_id", None)

    @classmethod
    def dataschema(cls) -> str:
        """Identify the contract: ``<type>.v<version>``, the name of its committed JSON Schema."""
        return f"{cls.type}.v{cls.schema_version}"

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Self:
        """Read the event from a message body, ignoring fields that this version does not know.

        Raises
        ------
        EventFormatError
            If a field is missing or has the wrong type.
        """
        try:
            return cls.model_validate(body, extra="ignore")
        except ValidationError as exc:
            problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors())
            raise EventFormatError(f"The body of a {cls.type} event does not follow its contract: {problems}.") from exc


@dataclass(frozen=True, slots=True)
class Envelope:
    """What travels beside an event's body, as AMQP headers.

    Attributes
    ----------
    id
        UUIDv7 of the event: consumers remember it, so that a second delivery changes nothing.
    source
        Service that sent it, for example ``protea-embedder``.
    type
        Name of the event.
    time
        When it happened, UTC.
    subject
        Job that the event is about.
    dataschema
        Contract and version of the body.
    """

    id: UUID
    source: str
    type: str
    time: datetime
    subject: UUID | None
    dataschema: str

    @classmethod
    def seal(cls, event: Event, *, source: str) -> Envelope:
        """Make the envelope of an event that happens now."""
        return cls(
            id=uuid7(),
            source=source,
            type=event.type,
            time=datetime.now(UTC),
            subject=event.subject,
            dataschema=event.dataschema(),
        )

    def to_headers(self) -> dict[str, str]:
        """Write the envelope as message headers."""
        attributes = {
            "specversion": "1.0",
            "id": str(self.id),
            "source": self.source,
            "type": self.type,
            "time": self.time.isoformat(),
            "dataschema": self.dataschema,
            **({"subject": str(self.subject)} if self.subject else {}),
        }
        return {_PREFIX + name: value for name, value in attributes.items()}

    @classmethod
    def from_headers(cls, headers: Mapping[str, Any]) -> Envelope:
        """Read the envelope from message headers.

        Raises
        ------
        EventFormatError
            If an attribute is missing or malformed.
        """
        try:
            subject = headers.get(_PREFIX + "subject")
            return cls(
                id=UUID(headers[_PREFIX + "id"]),
                source=str(headers[_PREFIX + "source"]),
                type=str(headers[_PREFIX + "type"]),
                time=datetime.fromisoformat(headers[_PREFIX + "time"]),
                subject=UUID(subject) if subject else None,
                dataschema=str(headers[_PREFIX + "dataschema"]),
            )
        except (KeyError, TypeError, ValueError) as exc:
            raise EventFormatError(f"The message has no valid CloudEvents envelope: {exc!r}.") from exc


def uuid7() -> UUID:
    """Make a time-ordered identifier (RFC 9562 §5.7): 48 bits of milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    return UUID(int=(value & ~(0x3 << 62)) | (0x2 << 62))
