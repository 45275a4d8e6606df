from __future__ import annotations

import re
from enum import StrEnum

import pytest
from sqlalchemy import DateTime, Table, UniqueConstraint
from sqlalchemy.orm import Mapper, RelationshipProperty

import protea_common.orm
from protea_common.orm import (
    ACTIVE_STATUSES,
    Base,
    BatchStatus,
    ExperimentRunStatus,
    GOPrediction,
    GOPredictionFeatures,
    JobStatus,
    PredictionSetStatus,
    Protein,
    Sequence,
)

MAPPERS = sorted(Base.registry.mappers, key=lambda mapper: mapper.class_.__name__)
TABLES = Base.metadata.sorted_tables
RELATIONSHIPS = [relationship for mapper in MAPPERS for relationship in mapper.relationships]

# The 54 features in their order, written down a second time and not taken from our own code.
ALIGNMENT = [
    f"{name}_{method}"
    for method in ("nw", "sw")
    for name in ("identity", "similarity", "alignment_score", "gaps_pct", "alignment_length")
]
FEATURES = [
    *("distance", "qualifier", "evidence_code"),
    *ALIGNMENT,
    *("length_query", "length_ref", "vote_count", "k_position", "go_term_frequency", "ref_annotation_density"),
    *("neighbor_distance_std", "neighbor_vote_fraction", "neighbor_min_distance", "neighbor_mean_distance"),
    *("query_taxonomy_id", "ref_taxonomy_id", "taxonomic_lca", "taxonomic_distance", "taxonomic_common_ancestors"),
    *("taxonomic_relation", "anc2vec_neighbor_cos", "anc2vec_neighbor_maxcos", "anc2vec_has_emb"),
    *("anc2vec_query_known_cos", "anc2vec_query_known_maxcos", "anc2vec_query_known_count"),
    *("tax_voters_same_frac", "tax_voters_close_frac", "tax_voters_mean_common_ancestors"),
    *(f"emb_pca_query_{component}" for component in range(16)),
]
ON_THE_PREDICTION = ["distance", "qualifier", "evidence_code", "vote_count", "k_position"]

GROWING_TABLES = [
    *("job_event", "job_batch", "job_comment", "protein", "go_term", "go_term_relationship", "interpro_annotation"),
    *("protein_go_annotation", "sequence_embedding", "query_set_entry", "go_prediction", "go_prediction_features"),
    "predicted_scores",
]


@pytest.mark.parametrize("mapper", MAPPERS, ids=lambda mapper: mapper.class_.__name__)
def test_each_table_names_the_one_service_that_writes_it(mapper: Mapper[Base]) -> None:
    documented = mapper.class_.__doc__ or ""

    writers = re.findall(
        r"^    Written by (?:the gateway|ingest|the embedder|the predictor|the evaluator|the jobs library)\.$",
        documented,
        re.MULTILINE,
    )

    assert len(writers) == 1


def test_the_package_offers_every_mapped_class() -> None:
    assert {mapper.class_.__name__ for mapper in MAPPERS} <= set(protea_common.orm.__all__)


@pytest.mark.parametrize("relationship", RELATIONSHIPS, ids=str)
def test_each_relationship_raises_instead_of_loading_by_itself(relationship: RelationshipProperty[Base]) -> None:
    assert relationship.lazy == "raise"


def test_deleting_a_parent_leaves_its_children_to_the_database() -> None:
    loading = [
        str(relationship)
        for relationship in RELATIONSHIPS
        if relationship.uselist and not relationship.viewonly and relationship.passive_deletes != "all"
    ]

    assert loading == []


def test_every_timestamp_carries_its_time_zone() -> None:
    naive = [
        f"{table.name}.{column.name}"
        for table in TABLES
        for column in table.columns
        if isinstance(column.type, DateTime) and not column.type.timezone
    ]

    assert naive == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_constraint_and_index_has_a_name_that_postgresql_does_not_cut(table: Table) -> None:
    names = [str(constraint.name) for constraint in table.constraints] + [str(index.name) for index in table.indexes]

    assert all(re.fullmatch(r"(pk|fk|uq|ck|ix)_[a-z0-9_]{1,60}", name) for name in names), names


@pytest.mark.parametrize("name", GROWING_TABLES)
def test_deleting_a_row_never_scans_a_table_that_grows(name: str) -> None:
    table = Base.metadata.tables[name]
    keys = [list(item.columns) for item in table.constraints if isinstance(item, UniqueConstraint)]
    indexes = [list(index.columns) for index in table.indexes]
    led = {columns[0].name for columns in (*keys, *indexes, list(table.primary_key.columns))}

    assert {key.parent.name for key in table.foreign_keys} - led == set()


def test_each_feature_is_stored_once_beside_the_prediction_or_on_it() -> None:
    stored = [column.name for column in GOPredictionFeatures.__table__.columns]

    assert len(FEATURES) == 54
    assert stored == ["prediction_id", *(name for name in FEATURES if name not in ON_THE_PREDICTION)]
    assert set(ON_THE_PREDICTION) <= {column.name for column in GOPrediction.__table__.columns}


@pytest.mark.parametrize("statuses", [JobStatus, BatchStatus, PredictionSetStatus, ExperimentRunStatus])
def test_a_status_is_written_in_upper_case_and_read_in_both(statuses: type[StrEnum]) -> None:
    for status in statuses:
        assert status.value == status.value.upper()
        assert statuses(status.value.lower()) is status


def test_a_status_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="asleep"):
        JobStatus("asleep")


def test_a_job_is_active_until_its_status_is_final() -> None:
    assert set(JobStatus) - set(ACTIVE_STATUSES) == {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}


def test_an_isoform_belongs_to_its_entry() -> None:
    assert Protein.parse_isoform("A-B-2") == ("A-B", False, 2)


def test_a_sequence_is_found_by_its_md5() -> None:
    # Test suite of RFC 1321, appendix A.5.
    assert Sequence.compute_hash("abc") == "900150983cd24fb0d6963f7d28e17f72"
