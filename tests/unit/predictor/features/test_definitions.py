from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from protea_common.domain.evidence import EVIDENCE_CODE_GROUPS
from protea_common.domain.features import FEATURE_FAMILIES, FEATURE_JSONB_KEYS, RESERVED_COLUMNS
from protea_common.orm import GOPrediction, GOPredictionFeatures
from protea_predictor.domain.features.definitions import FEATURES, PRODUCED_FAMILIES, Status, family_members
from protea_predictor.domain.features.errors import UnknownFeatureError
from protea_predictor.domain.features.fingerprint import definition_sha, family_sha, feature_schema_sha
from protea_predictor.domain.features.further import FURTHER
from protea_predictor.domain.features.written import WRITTEN


def test_the_written_features_are_the_54_keys_in_their_order() -> None:
    assert tuple(definition.name for definition in WRITTEN) == FEATURE_JSONB_KEYS
    assert all(definition.status is Status.PRODUCED for definition in WRITTEN)


def test_no_name_is_defined_twice_or_reserved() -> None:
    assert len(FEATURES) == len(WRITTEN) + len(FURTHER)
    assert RESERVED_COLUMNS.isdisjoint(FEATURES)


def test_the_library_names_the_same_families() -> None:
    for family, members in FEATURE_FAMILIES.items():
        assert {FEATURES[name].family for name in members} == {family}


def test_every_written_feature_has_a_column() -> None:
    columns = set(GOPredictionFeatures.__table__.columns.keys()) | set(GOPrediction.__table__.columns.keys())
    assert columns.issuperset(FEATURE_JSONB_KEYS)


def test_categories_know_their_texts_and_numbers_have_none() -> None:
    categories = {name for name, definition in FEATURES.items() if definition.is_category}
    assert categories == {"qualifier", "evidence_code", "taxonomic_relation"}
    codes = [code for group in EVIDENCE_CODE_GROUPS.values() for code in group]
    assert FEATURES["evidence_code"].vocabulary == ("", *codes)
    assert all(definition.unit == "code" for definition in FEATURES.values() if definition.is_category)


def test_ranges_are_not_empty() -> None:
    for definition in FEATURES.values():
        if definition.low is not None and definition.high is not None:
            assert definition.low < definition.high


def test_members_come_in_the_order_of_the_definitions() -> None:
    assert family_members(["length", "knn"]) == ("distance", "length_query", "length_ref", "k_position")
    assert "classifier" not in PRODUCED_FAMILIES
    with pytest.raises(KeyError, match="nonsense"):
        family_members(["nonsense"])


def test_the_fingerprint_pins_names_and_versions() -> None:
    expected = sha256(b"distance@1|vote_count@1").hexdigest()
    assert definition_sha(["vote_count", "distance"]) == expected
    assert feature_schema_sha(["vote_count", "distance"]) == sha256(b"distance|vote_count").hexdigest()[:12]
    with pytest.raises(UnknownFeatureError, match="no feature other"):
        definition_sha(["distance", "other"])


def test_the_fingerprint_of_families_knows_what_was_dropped() -> None:
    families = [("length", ["length_ref", "length_query"]), ("knn", ["distance"])]
    plain = sha256(b"knn=distance|length=length_query,length_ref").hexdigest()[:12]
    assert family_sha(families) == family_sha(families[::-1]) == plain
    dropped = sha256(b"knn=distance|length=length_query,length_ref|drop=length_ref").hexdigest()[:12]
    assert family_sha(families, dropped=["length_ref"]) == dropped


def test_the_page_of_features_lists_each_with_its_meaning_and_version() -> None:
    page = (Path(__file__).parents[4] / "docs" / "features.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    listed = [(row[0].strip("`"), row[1], row[2], row[-2], row[-1]) for row in rows]
    assert listed == [(d.name, d.family, d.meaning, str(d.version), d.status.value) for d in FEATURES.values()]
