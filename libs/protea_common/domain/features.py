"""The names of what is known about a prediction: the features, their families, their fingerprint and JSON form."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Any

import numpy as np

from protea_common.errors import PermanentError

__all__ = [
    "FEATURE_FAMILIES",
    "FEATURE_JSONB_KEYS",
    "RESERVED_COLUMNS",
    "ReservedColumnError",
    "build_feature_jsonb",
    "feature_schema_sha",
    "from_json",
]

_ALIGNMENT = ("identity", "similarity", "alignment_score", "gaps_pct", "alignment_length")

FEATURE_JSONB_KEYS: tuple[str, ...] = (
    "distance",
    "qualifier",
    "evidence_code",
    *(f"{measure}_nw" for measure in _ALIGNMENT),
    *(f"{measure}_sw" for measure in _ALIGNMENT),
    "length_query",
    "length_ref",
    "vote_count",
    "k_position",
    "go_term_frequency",
    "ref_annotation_density",
    "neighbor_distance_std",
    "neighbor_vote_fraction",
    "neighbor_min_distance",
    "neighbor_mean_distance",
    "query_taxonomy_id",
    "ref_taxonomy_id",
    "taxonomic_lca",
    "taxonomic_distance",
    "taxonomic_common_ancestors",
    "taxonomic_relation",
    "anc2vec_neighbor_cos",
    "anc2vec_neighbor_maxcos",
    "anc2vec_has_emb",
    "anc2vec_query_known_cos",
    "anc2vec_query_known_maxcos",
    "anc2vec_query_known_count",
    "tax_voters_same_frac",
    "tax_voters_close_frac",
    "tax_voters_mean_common_ancestors",
    *(f"emb_pca_query_{component}" for component in range(16)),
)
"""The 54 keys of a prediction's feature blob, in the order in which they are written.

Readers compare blobs by bytes: another order or another key makes the same features look different.
"""

FEATURE_FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "knn": ("distance", "k_position"),
        "knn_distance": ("neighbor_distance_std", "neighbor_min_distance", "neighbor_mean_distance"),
        "knn_vote": ("vote_count", "neighbor_vote_fraction"),
        "length": ("length_query", "length_ref"),
        "go_context": ("go_term_frequency", "ref_annotation_density"),
        "annotation_meta": ("qualifier", "evidence_code"),
    }
)
"""Features that are computed together; a prediction set's receipt names the families it holds.

A key in no family is null in every row: absent is null, never 0.
"""

RESERVED_COLUMNS = frozenset({"protein_accession", "go_term_id", "label", "category", "aspect", "snapshot_pair"})
"""Columns that identify or judge a row; one of them among the features would leak the answer into a model."""

_SHA_LENGTH = 12


class ReservedColumnError(PermanentError):
    """A column that identifies or labels a row was named as a feature."""

    slug = "reserved-column"

    def __init__(self, columns: Collection[str]) -> None:
        super().__init__(f"{', '.join(sorted(columns))} cannot be features; leave them out of the columns.")
        self.columns = tuple(sorted(columns))


def build_feature_jsonb(typed_row: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the features of a prediction row into a JSON object of stable shape.

    Parameters
    ----------
    typed_row
        Columns of a ``go_prediction`` row; identity columns and unknown ones are left behind.

    Returns
    -------
    blob
        All of `FEATURE_JSONB_KEYS` in their order; missing and non-finite values are ``None``.
    """
    return {key: _json_value(typed_row.get(key)) for key in FEATURE_JSONB_KEYS}


def from_json(blob: Mapping[str, Any] | None) -> dict[str, Any]:
    """Read a feature blob into the shape `build_feature_jsonb` writes; ``None`` gives an empty mapping."""
    return {} if blob is None else build_feature_jsonb(blob)


def feature_schema_sha(columns: Collection[str]) -> str:
    """Fingerprint the feature columns a model was trained on or a frame offers.

    Parameters
    ----------
    columns
        Names in any order.

    Returns
    -------
    fingerprint
        First 12 hexadecimal digits of the SHA-256 of the sorted names joined by ``|``. It pins names, neither values
        nor definitions.

    Raises
    ------
    ReservedColumnError
        If one of `RESERVED_COLUMNS` is among them.
    """
    reserved = RESERVED_COLUMNS.intersection(columns)
    if reserved:
        raise ReservedColumnError(reserved)
    return sha256("|".join(sorted(columns)).encode()).hexdigest()[:_SHA_LENGTH]


def _json_value(value: Any) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain
