"""Every feature, defined once: the written 54 first, then the newer ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from protea_predictor.domain.features.definition import Direction, FeatureDefinition, Status
from protea_predictor.domain.features.further import FURTHER
from protea_predictor.domain.features.written import ABSENT_CODE, WRITTEN

__all__ = [
    "ABSENT_CODE",
    "FEATURES",
    "PRODUCED_FAMILIES",
    "Direction",
    "FeatureDefinition",
    "Status",
    "family_members",
]

FEATURES: Mapping[str, FeatureDefinition] = MappingProxyType(
    {definition.name: definition for definition in (*WRITTEN, *FURTHER)}
)
"""Definitions by name, in the order of a frame's columns."""

PRODUCED_FAMILIES: tuple[str, ...] = tuple(
    dict.fromkeys(definition.family for definition in FEATURES.values() if definition.status is Status.PRODUCED)
)
"""Families that are computed where their data is at hand, in the order of their first feature."""


def family_members(families: Iterable[str]) -> tuple[str, ...]:
    """Names of the features of some families, in the order of `FEATURES`.

    Raises
    ------
    KeyError
        If a family has no feature.
    """
    wanted = set(families)
    unknown = wanted.difference(definition.family for definition in FEATURES.values())
    if unknown:
        raise KeyError(f"No feature is of the family {', '.join(sorted(unknown))}.")
    return tuple(name for name, definition in FEATURES.items() if definition.family in wanted)
