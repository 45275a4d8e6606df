"""What names a bank, and finding proteins and terms in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from protea_common.domain.ontology import Aspect, GoGraph
from protea_predictor.domain.reference_bank import (
    ReferenceProteins,
    ReferenceSelection,
    ReferenceVersion,
    bank_digest,
)
from protea_predictor.domain.stored_ontology import StoredOntology

SELECTION = ReferenceSelection(
    embedding_config_id=UUID(int=1),
    annotation_set_id=UUID(int=2),
    ontology_snapshot_id=UUID(int=3),
    votes_reach_ancestors=True,
)
VERSION = ReferenceVersion(references=10, newest_embedding_id=20, fingerprint="30", dimension=40)


def some_proteins(*accessions: str) -> ReferenceProteins:
    return ReferenceProteins(
        accessions=np.array(sorted(accession.encode() for accession in accessions), dtype=np.bytes_),
        sequence_ids=np.arange(len(accessions)),
        lengths=np.ones(len(accessions), dtype=np.int32),
        taxon_ids=np.zeros(len(accessions), dtype=np.int32),
    )


def test_the_digest_is_the_same_on_every_machine() -> None:
    assert bank_digest(SELECTION, VERSION) == bank_digest(replace(SELECTION), replace(VERSION))
    assert len(bank_digest(SELECTION, VERSION)) == 32


@pytest.mark.parametrize(
    "change",
    [
        {"embedding_config_id": UUID(int=9)},
        {"annotation_set_id": UUID(int=9)},
        {"ontology_snapshot_id": UUID(int=9)},
        {"votes_reach_ancestors": False},
        {"evidence_codes": ("IDA",)},
        {"reviewed_only": True},
        {"taxon_ids": (9606,)},
        {"excluded_taxon_ids": (9606,)},
        {"annotated_until": date(2024, 1, 31)},
    ],
)
def test_another_selection_has_another_digest(change: dict[str, Any]) -> None:
    assert bank_digest(replace(SELECTION, **change), VERSION) != bank_digest(SELECTION, VERSION)


@pytest.mark.parametrize(
    "change", [{"references": 99}, {"newest_embedding_id": 99}, {"fingerprint": "99"}, {"dimension": 99}]
)
def test_another_version_has_another_digest(change: dict[str, Any]) -> None:
    assert bank_digest(SELECTION, replace(VERSION, **change)) != bank_digest(SELECTION, VERSION)


def test_accessions_are_found_by_their_whole_name() -> None:
    proteins = some_proteins("P1", "P10", "Q2", "Ü3")

    assert proteins.rows_of(["Q2", "P1", "P", "P100", "Z", "", "Ü3"]).tolist() == [2, 0, -1, -1, -1, -1, 3]
    assert proteins.rows_of([]).tolist() == []


def test_no_references_have_no_rows() -> None:
    assert some_proteins().rows_of(["P1"]).tolist() == [-1]


def test_terms_are_found_by_their_database_id() -> None:
    graph = GoGraph.build([("GO:0008150", Aspect.BIOLOGICAL_PROCESS), ("GO:0000001", Aspect.BIOLOGICAL_PROCESS)], [])
    ontology = StoredOntology(graph, np.array([70, 50]))

    assert ontology.rows_of(np.array([50, 60, 70, 80, 50])).tolist() == [1, -1, 0, -1, 1]
    assert ontology.is_root.tolist() == [False, True]


def test_an_empty_ontology_has_no_rows() -> None:
    ontology = StoredOntology(GoGraph.build([], []), np.empty(0, dtype=np.int64))

    assert ontology.rows_of(np.array([5])).tolist() == [-1]
    assert ontology.is_root.tolist() == []
