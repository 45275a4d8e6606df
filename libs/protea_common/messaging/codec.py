"""Message bodies: small JSON objects, the same bytes for the same content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json, to_jsonable_python

from protea_common.errors import ContractError

__all__ = ["MAX_BODY_BYTES", "MalformedMessageError", "decode", "encode"]

MAX_BODY_BYTES = 64 * 1024
"""Largest body that is sent.

Bodies hold identifiers, counts and object keys. Raised, and arrays creep into the broker's memory; lowered, and a list
of some hundred identifiers no longer fits.
"""


class MalformedMessageError(ContractError):
    """A message body is not a JSON object, or is too large to be sent."""

    slug = "malformed-message"


def encode(body: Mapping[str, Any]) -> bytes:
    """Write a message body as UTF-8 JSON with sorted keys.

    Parameters
    ----------
    body
        Values may be what pydantic can write as JSON: also UUIDs, times and enum members.

    Raises
    ------
    MalformedMessageError
        If a value cannot be written as JSON, or the result exceeds `MAX_BODY_BYTES`.
    """
    try:
        text = json.dumps(
            to_jsonable_python(dict(body)),
            allow_nan=False,
            ensure_ascii=False,
            separators=(",", ":"),
            sort_keys=True,
        )
        encoded = text.encode()
    except ValueError as exc:
        raise MalformedMessageError(f"The message body cannot be written as JSON: {exc}") from exc
    if len(encoded) > MAX_BODY_BYTES:
        raise MalformedMessageError(
            f"The message body has {len(encoded)} bytes, {MAX_BODY_BYTES} are allowed; "
            "store large content and send its object key"
        )
    return encoded


def decode(body: bytes) -> dict[str, Any]:
    """Read a message body.

    Raises
    ------
    MalformedMessageError
        If it is not a JSON object in UTF-8.
    """
    try:
        content = from_json(body, allow_inf_nan=False)
    except ValueError as exc:
        raise MalformedMessageError(f"The message body is not JSON: {exc}") from exc
    if not isinstance(content, dict):
        raise MalformedMessageError(f"The message body is a JSON {type(content).__name__}, not an object")
    return content
