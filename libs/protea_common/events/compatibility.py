"""Whether a contract may change without a new version: a field may be added, everything else needs one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from protea_common.errors import ContractError

__all__ = ["ContractChangedError", "breaking_changes", "require_compatible"]

WORDS: Final = frozenset({"title", "description"})
"""Keys of a schema that people read; they may change at any time."""

OBJECT_KEYS: Final = ("properties", "required", "$defs")
"""Keys whose members are compared one by one."""


class ContractChangedError(ContractError):
    """An event's schema changed in a way that its readers would notice, under the same version."""


def require_compatible(committed: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Refuse a schema that needs a new version.

    Raises
    ------
    ContractChangedError
        Naming what changed and what to do.
    """
    if changes := breaking_changes(committed, new):
        raise ContractChangedError(
            f"{committed['$id']} changed: {'; '.join(changes)}. Only a field that is not required may be added. Raise "
            "schema_version, and send both versions until no queue holds the old one."
        )


def breaking_changes(committed: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Say in what a JSON Schema of an object is not the committed one with fields added to it.

    Returns
    -------
    changes
        One sentence each; none if every body of the committed contract means the same under the new one, and no
        publisher has to send more than before.
    """
    old_fields, new_fields = committed.get("properties", {}), new.get("properties", {})
    old_parts, new_parts = committed.get("$defs", {}), new.get("$defs", {})
    return [
        *(f"the field {name} is gone" for name in old_fields if name not in new_fields),
        *_changed("the field", old_fields, new_fields),
        *_changed("the part", old_parts, new_parts),
        *_required(committed, new),
        *(f"{key} changed" for key in _rest_changed(committed, new)),
    ]


def _changed(what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [f"{what} {name} changed" for name in old if name in new and _bare(old[name]) != _bare(new[name])]


def _required(committed: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    old, now = set(committed.get("required", ())), set(new.get("required", ()))
    return [
        *(f"the field {name} became required" for name in sorted(now - old)),
        *(f"the field {name} is no longer required" for name in sorted(old - now)),
    ]


def _rest_changed(committed: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    rests = [{k: v for k, v in _bare(schema).items() if k not in OBJECT_KEYS} for schema in (committed, new)]
    return [key for key in sorted({*rests[0], *rests[1]}) if rests[0].get(key) != rests[1].get(key)]


def _bare(schema: Any) -> Any:
    """Take the words for people out of a schema, at every depth; a field may be called ``title`` all the same."""
    if isinstance(schema, list):
        return [_bare(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        key: {name: _bare(part) for name, part in value.items()} if key in ("properties", "$defs") else _bare(value)
        for key, value in schema.items()
        if key not in WORDS
    }
