"""The frame of a result: what must be the same for two figures to be compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["frame_digest", "frame_name"]

_NO_PART_OF_IT = ("n_resamples",)
"""How finely an interval is drawn changes no figure."""


def frame_name(*, engine: str, version: str, recipe: Mapping[str, Any]) -> str:
    """Name a frame for people: the engine and its choices, in a line."""
    choices = (recipe["propagation"], recipe["normalisation"], recipe["cohort"], recipe["thresholds"])
    return f"{engine} {version}, {'/'.join(map(str, choices))}"


def frame_digest(parts: Mapping[str, Any]) -> str:
    """Identify a frame: the first 12 hex digits of SHA-256 over its parts as canonical JSON."""
    counted = {**parts, "recipe": {k: v for k, v in parts["recipe"].items() if k not in _NO_PART_OF_IT}}
    canonical = json.dumps(counted, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]
