"""API keys: made at random, shown once, remembered by their digest."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["PREFIX_CHARACTERS", "ApiKeySecret", "presented_key"]

KEY_BYTES: Final = 32
"""256 random bits: guessing is hopeless, so a plain digest is enough to store them."""

PREFIX_CHARACTERS: Final = 8
"""How much of a key finds its row; the column is as wide."""

_FORM: Final = re.compile(rf"[0-9a-f]{{{2 * KEY_BYTES}}}")
_SCHEME: Final = "apikey "


@dataclass(frozen=True, slots=True)
class ApiKeySecret:
    """A key as its holder knows it."""

    key: str

    @classmethod
    def generate(cls) -> ApiKeySecret:
        """Make a new key of `KEY_BYTES` random bytes, in hex."""
        return cls(secrets.token_hex(KEY_BYTES))

    @property
    def is_well_formed(self) -> bool:
        """Whether this could be a key at all."""
        return _FORM.fullmatch(self.key) is not None

    @property
    def prefix(self) -> str:
        """What finds its row and names it in lists."""
        return self.key[:PREFIX_CHARACTERS]

    @property
    def digest(self) -> str:
        """SHA-256 in hex, as it is stored."""
        return hashlib.sha256(self.key.encode()).hexdigest()

    def matches(self, digest: str) -> bool:
        """Whether the stored digest is this key's, in the same time whatever the answer."""
        return hmac.compare_digest(self.digest, digest)


def presented_key(headers: Mapping[str, str]) -> ApiKeySecret | None:
    """Find the key in ``Authorization: ApiKey <key>`` or ``X-Api-Key: <key>``; ``None`` if there is neither.

    Parameters
    ----------
    headers
        Of the request; names are looked up in lower case.
    """
    authorization = headers.get("authorization", "")
    if authorization.lower().startswith(_SCHEME):
        return ApiKeySecret(authorization[len(_SCHEME) :].strip())
    plain = headers.get("x-api-key")
    return None if plain is None else ApiKeySecret(plain.strip())
