"""Who calls, as far as the connection tells: somebody at this machine, or anybody."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit

__all__ = ["Authentication", "Caller", "Connection"]


class Authentication(StrEnum):
    """Who may change things: holders of a key, or also whoever sits at this machine."""

    REQUIRED = "required"
    LOOPBACK = "loopback"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request.

    Attributes
    ----------
    key_prefix
        Of the API key; ``None`` without one.
    """

    key_prefix: str | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """What a request says about where it comes from.

    Attributes
    ----------
    client
        Address of the other end; ``None`` if the server does not know.
    host
        ``Host`` header: the name under which the caller reached us.
    origin
        ``Origin`` header: the page that sent the request; ``None`` outside browsers and for their plain reads.
    """

    client: str | None
    host: str
    origin: str | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether the other end is this machine."""
        return self.client is not None and _is_loopback(self.client)

    @property
    def names_this_machine(self) -> bool:
        """Whether we were called by a local name.

        A page whose own name was made to point at this machine (DNS rebinding) calls us by that name.
        """
        return _is_loopback(_hostname(f"//{self.host}"))

    def is_local(self, allowed_origins: Collection[str]) -> bool:
        """Whether this is somebody at this machine, and no page of a foreign site in their browser."""
        if not (self.is_loopback and self.names_this_machine):
            return False
        return self.origin is None or self.origin in allowed_origins or _is_loopback(_hostname(self.origin))


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
