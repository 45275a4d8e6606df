"""The names of artifacts: relative, slash separated, and never a way out of the store."""

from __future__ import annotations

import re
from typing import Final

from protea_common.errors import PermanentError

__all__ = ["InvalidArtifactKeyError", "check_key"]

MAX_KEY_BYTES: Final = 1024
"""S3's limit; a longer key would work locally and fail in a cluster."""

MAX_PART_BYTES: Final = 200
"""File systems allow 255 bytes in a name; the rest is for the name of a file that is still being written."""

FORBIDDEN: Final = re.compile(r"[\\\x00-\x1f\x7f]")
"""Backslashes separate folders on some systems; control characters hide in logs and break listings."""


class InvalidArtifactKeyError(PermanentError):
    """The name of an artifact is not a relative, slash-separated path."""

    slug = "invalid-artifact-key"


def check_key(key: str) -> str:
    """Return ``key`` if it is allowed.

    Raises
    ------
    InvalidArtifactKeyError
        If it is empty, absolute or too long, has an empty, ``.`` or ``..`` part, a part that starts with ``.tmp-``, a
        backslash or a control character.
    """
    reason = _objection(key)
    if reason is not None:
        raise InvalidArtifactKeyError(f"the artifact key {key!r} {reason}; use a relative path like datasets/v1/a.npy")
    return key


def _objection(key: str) -> str | None:
    parts = key.split("/")
    if FORBIDDEN.search(key):
        return "has a backslash or a control character"
    if not all(parts):
        return "is empty, absolute or has an empty part"
    if any(part in {".", ".."} or part.startswith(".tmp-") for part in parts):
        return "has a part . or .. or one that starts with .tmp-"
    if len(_encoded(key)) > MAX_KEY_BYTES or any(len(_encoded(part)) > MAX_PART_BYTES for part in parts):
        return f"is longer than {MAX_KEY_BYTES} bytes, or a part of it than {MAX_PART_BYTES}"
    return None


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
