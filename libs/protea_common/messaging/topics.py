"""Topic patterns as AMQP 0-9-1 matches them."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["topic_matches"]


def topic_matches(pattern: str, routing_key: str) -> bool:
    """Whether a topic exchange routes a key to a binding: ``*`` is one word, ``#`` is none or more.

    References
    ----------
    AMQP 0-9-1, section 3.1.3.3.
    """
    return _matches(pattern.split("."), routing_key.split("."))


def _matches(pattern: Sequence[str], words: Sequence[str]) -> bool:
    match pattern:
        case []:
            return not words
        case ["#", *rest]:
            return any(_matches(rest, words[skipped:]) for skipped in range(len(words) + 1))
        case [word, *rest]:
            return bool(words) and word in ("*", words[0]) and _matches(rest, words[1:])
        case _:
            return False
