"""The axes along which experiments differ: what was predicted by what, and on what it was measured."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["ExperimentAxes"]


@dataclass(frozen=True, slots=True)
class ExperimentAxes:
    """A point among experiments; what does not apply, or differs inside the experiment, is ``None``.

    Attributes
    ----------
    plm
        Model that embeds the proteins.
    k
        Neighbours per query, in each pool.
    reranker_spec_id
        Boosters that score, by their names.
    feature_schema_sha, schema_sha_v2
        What the boosters were trained on: digests over the features' names, and over their definitions too.
    eval_set_name, eval_set_manifest_sha
        Window, and SHA-256 over what it is made from.
    propagation
        How scores reach the ancestors of their terms.
    ensemble_spec
        What makes a score out of the rest: recipe, calibration, choices; JSON.
    """

    plm: str | None = None
    k: int | None = None
    reranker_spec_id: str | None = None
    feature_schema_sha: str | None = None
    schema_sha_v2: str | None = None
    eval_set_name: str | None = None
    eval_set_manifest_sha: str | None = None
    propagation: str | None = None
    ensemble_spec: Mapping[str, Any] | None = None

    @property
    def shortid(self) -> str | None:
        """First 12 hex digits of SHA-256 over the axes as canonical JSON; ``None`` where no axis has a value."""
        axes = asdict(self)
        if all(value is None for value in axes.values()):
            return None
        canonical = json.dumps(axes, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]
