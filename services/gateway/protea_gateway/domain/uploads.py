"""Names of uploaded files in the artifact store: by content, so that a repeated upload is the same artifact."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["artifact_uri", "upload_key"]

DEFAULT_FILENAME: Final = "file"
MAX_FILENAME_CHARACTERS: Final = 100
"""Longer names are cut at their front, where they matter least; file systems allow 255 bytes."""

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


def upload_key(sha256: str, filename: str | None) -> str:
    """Key of an upload: ``uploads/<sha256>/<safe filename>``.

    Only the last part of the name is used, without leading dots; other characters than ASCII letters, digits, ``.``,
    ``_`` and ``-`` become ``_``.
    """
    last = (filename or "").replace("\\", "/").rpartition("/")[2]
    safe = _UNSAFE.sub("_", last)[-MAX_FILENAME_CHARACTERS:].lstrip(".")
    return f"uploads/{sha256}/{safe or DEFAULT_FILENAME}"


def artifact_uri(key: str) -> str:
    """Name an artifact as the payloads of operations do."""
    return f"artifact:{key}"
