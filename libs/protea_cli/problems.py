"""An answer that is no success, in words: problem documents (RFC 9457), and what a proxy may put in their place."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Final

__all__ = ["describe_problem", "read_problem"]

LONGEST_EXCERPT: Final = 200
"""Characters shown of an answer that is no problem document; a proxy's error page is longer and says no more."""

UNAUTHENTICATED_HINT: Final = "Give the key with --api-key or in PROTEA_API_KEY."


def read_problem(body: bytes) -> dict[str, object]:
    """Read a problem document; what is none gives an empty one."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def describe_problem(status: int, body: bytes) -> str:
    """Say what a server's refusal means.

    Parameters
    ----------
    status
        HTTP status.
    body
        The answer: a problem document with ``title``, ``detail`` and perhaps ``errors`` (``field`` and ``message``
        each), or anything.

    Returns
    -------
    text
        The problem's own words, one line per field at fault, and what to do where we know it.
    """
    problem = read_problem(body)
    lines = _own_words(problem) or [_excerpt(status, body)]
    if status == HTTPStatus.UNAUTHORIZED:
        lines.append(UNAUTHENTICATED_HINT)
    return "\n".join(lines)


def _own_words(problem: dict[str, object]) -> list[str]:
    """Take the detail, which says what is wrong here; the title says it in general, and the fields where."""
    if detail := problem.get("detail"):
        return [str(detail)]
    return [*([str(problem["title"])] if problem.get("title") else []), *_field_lines(problem)]


def _field_lines(problem: dict[str, object]) -> list[str]:
    errors = problem.get("errors")
    if not isinstance(errors, list):
        return []
    return [f"  {error.get('field', '?')}: {error.get('message', '?')}" for error in errors if isinstance(error, dict)]


def _excerpt(status: int, body: bytes) -> str:
    text = " ".join(body.decode(errors="replace").split())[:LONGEST_EXCERPT]
    return f"the server answered {status} {_phrase(status)}".rstrip() + (f": {text}" if text else "")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
