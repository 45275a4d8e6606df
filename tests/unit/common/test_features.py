from __future__ import annotations

import json
from hashlib import sha256
from itertools import chain, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protea_common.domain.features import (
    FEATURE_FAMILIES,
    FEATURE_JSONB_KEYS,
    ReservedColumnError,
    build_feature_jsonb,
    feature_schema_sha,
    from_json,
)

WRITTEN_KEYS = [
    "distance",
    "qualifier",
    "evidence_code",
    "identity_nw",
    "similarity_nw",
    "alignment_score_nw",
    "gaps_pct_nw",
    "alignment_length_nw",
    "identity_sw",
    "similarity_sw",
    "alignment_score_sw",
    "gaps_pct_sw",
    "alignment_length_sw",
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
    "emb_pca_query_0",
    "emb_pca_query_1",
    "emb_pca_query_2",
    "emb_pca_query_3",
    "emb_pca_query_4",
    "emb_pca_query_5",
    "emb_pca_query_6",
    "emb_pca_query_7",
    "emb_pca_query_8",
    "emb_pca_query_9",
    "emb_pca_query_10",
    "emb_pca_query_11",
    "emb_pca_query_12",
    "emb_pca_query_13",
    "emb_pca_query_14",
    "emb_pca_query_15",
]


def test_a_blob_has_54_keys_in_a_stable_order() -> None:
    assert list(FEATURE_JSONB_KEYS) == WRITTEN_KEYS
    assert len(FEATURE_JSONB_KEYS) == 54
    assert list(build_feature_jsonb({"emb_pca_query_15": 1.0, "distance": 0.5})) == WRITTEN_KEYS


def test_identity_columns_and_unknown_ones_are_left_behind() -> None:
    blob = build_feature_jsonb({"prediction_set_id": 7, "protein_accession": "P12345", "vote_count": 3})

    assert blob["vote_count"] == 3
    assert {key for key, value in blob.items() if value is not None} == {"vote_count"}


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), float("-inf"), np.float32("nan"), np.float64("inf"), None]
)
def test_what_is_not_finite_becomes_null(value: float | None) -> None:
    assert build_feature_jsonb({"distance": value})["distance"] is None


def test_zero_and_the_empty_text_are_values() -> None:
    blob = build_feature_jsonb({"distance": 0.0, "vote_count": 0, "evidence_code": ""})

    assert (blob["distance"], blob["vote_count"], blob["evidence_code"]) == (0.0, 0, "")


def test_numpy_scalars_become_plain_numbers() -> None:
    blob = build_feature_jsonb({"distance": np.float32(0.5), "vote_count": np.int64(3)})

    assert (type(blob["distance"]), type(blob["vote_count"])) == (float, int)


@given(st.dictionaries(st.sampled_from(FEATURE_JSONB_KEYS), st.none() | st.floats() | st.integers() | st.text()))
def test_a_blob_is_read_back_as_it_was_written(row: dict[str, object]) -> None:
    blob = build_feature_jsonb(row)

    assert from_json(json.loads(json.dumps(blob, allow_nan=False))) == blob
    assert list(from_json(blob)) == WRITTEN_KEYS


def test_no_blob_reads_as_no_features() -> None:
    assert from_json(None) == {}


def test_families_share_no_feature_and_name_only_stored_ones() -> None:
    features = list(chain.from_iterable(FEATURE_FAMILIES.values()))

    assert len(features) == len(set(features))
    assert set(features) <= set(FEATURE_JSONB_KEYS)
    assert set(FEATURE_FAMILIES) == {"knn", "knn_distance", "knn_vote", "length", "go_context", "annotation_meta"}


def test_the_fingerprint_is_the_hash_of_the_sorted_names() -> None:
    expected = sha256(b"distance|k_position|vote_count").hexdigest()[:12]

    for columns in permutations(("vote_count", "distance", "k_position")):
        assert feature_schema_sha(columns) == expected


def test_another_column_changes_the_fingerprint() -> None:
    assert feature_schema_sha(["distance"]) != feature_schema_sha(["distance", "k_position"])


def test_a_column_that_identifies_a_row_is_no_feature() -> None:
    with pytest.raises(ReservedColumnError, match="aspect, label"):
        feature_schema_sha(["distance", "label", "aspect"])
