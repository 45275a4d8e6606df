"""Annotation sets of two ontology releases, compared in one of them or in a third."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
from pyarrow import parquet

from protea_common.db import session_scope
from protea_common.domain.ontology import Aspect, Relation, Term
from protea_common.messaging.bus import DeadLettered
from protea_common.operations import GenerateEvaluationSet
from protea_common.orm import JobStatus
from support.evaluator import EvaluatorBench
from support.ontology_rows import insert_ontology

ROOT, BINDING, METAL, ZINC, IRON = "GO:0003674", "GO:0005488", "GO:0046872", "GO:0008270", "GO:0005506"
OLD_ZINC, GONE = "GO:0000007", "GO:0000008"


def term(go_id: str, *, alt_ids: tuple[str, ...] = (), replaced_by: tuple[str, ...] = ()) -> Term:
    return Term(
        go_id=go_id,
        name=go_id,
        aspect=Aspect.MOLECULAR_FUNCTION,
        definition=None,
        is_obsolete=bool(replaced_by),
        alt_ids=alt_ids,
        replaced_by=replaced_by,
    )


async def releases(bench: EvaluatorBench) -> tuple[UUID, UUID]:
    """Give an old release with a term that the new one has merged, and one that it has replaced."""
    metals = [Relation(BINDING, ROOT, "is_a"), Relation(METAL, BINDING, "is_a"), Relation(IRON, METAL, "is_a")]
    async with session_scope(bench.session_factory) as session:
        old = await insert_ontology(
            session,
            [term(go_id) for go_id in (ROOT, BINDING, METAL, OLD_ZINC, GONE, IRON)],
            [*metals, Relation(OLD_ZINC, METAL, "is_a"), Relation(GONE, BINDING, "is_a")],
            version="releases/2017-01-01",
        )
        new = await insert_ontology(
            session,
            [
                *(term(go_id) for go_id in (ROOT, BINDING, METAL, IRON)),
                term(ZINC, alt_ids=(OLD_ZINC,)),
                term(GONE, replaced_by=(METAL,)),
            ],
            [*metals, Relation(ZINC, METAL, "is_a")],
        )
    return old, new


async def compared(bench: EvaluatorBench, *, pivot: UUID | None = None) -> tuple[UUID, list[tuple[str, str, str]]]:
    old_release, new_release = await releases(bench)
    old = await bench.insert_annotations(
        old_release, [("P1", OLD_ZINC, "IDA", None), ("P2", GONE, "IDA", None), ("P3", IRON, "IDA", None)]
    )
    new = await bench.insert_annotations(
        new_release,
        [
            ("P1", ZINC, "IDA", None),
            ("P2", METAL, "IDA", None),
            ("P2", IRON, "IDA", None),
            ("P3", METAL, "IDA", None),
            ("P4", ZINC, "IDA", None),
        ],
    )
    payload = GenerateEvaluationSet(
        old_annotation_set_id=old, new_annotation_set_id=new, pivot_ontology_snapshot_id=pivot or new_release
    )
    job = await bench.finished(await bench.request(payload))
    assert job.status is JobStatus.SUCCEEDED
    assert job.result is not None
    set_id = UUID(job.result["evaluation_set_id"])
    content = await bench.artifacts.get(f"evaluations/sets/{set_id}/ground-truth.parquet")
    rows = parquet.read_table(BytesIO(content)).to_pylist()
    return set_id, [(row["category"], row["accession"], row["go_id"]) for row in rows]


async def test_what_only_changed_its_name_is_not_learnt(bench: EvaluatorBench) -> None:
    _, pairs = await compared(bench)

    # P1's zinc was merged, P2's term was replaced, and P3's metal lies above the iron that was known.
    assert [pair for pair in pairs if pair[0] != "known"] == [
        ("NK", "P4", ROOT),
        ("NK", "P4", BINDING),
        ("NK", "P4", ZINC),
        ("NK", "P4", METAL),
        ("PK", "P2", IRON),
    ]
    assert ("known", "P2", METAL) in pairs


async def test_the_pivot_is_stored_and_measured_in(bench: EvaluatorBench) -> None:
    set_id, _ = await compared(bench)
    (stored,) = await bench.evaluation_sets()
    predictions = await bench.insert_predictions(
        stored.old_annotation_set_id, [("P2", IRON, 0.9), ("P4", OLD_ZINC, 0.9)]
    )

    job = await bench.finished(await bench.run(set_id, predictions))

    (result,) = await bench.results()
    assert job.status is JobStatus.SUCCEEDED
    assert result.evaluator["is_pivoted"] is True
    assert result.results["NK"]["MFO"]["fmax"] == pytest.approx(1)
    assert result.results["PK"]["MFO"]["fmax"] == pytest.approx(1)


async def test_one_pair_is_compared_in_several_ontologies(bench: EvaluatorBench) -> None:
    set_id, _ = await compared(bench)
    (stored,) = await bench.evaluation_sets()
    async with session_scope(bench.session_factory) as session:
        third = await insert_ontology(
            session, [term(ROOT), term(BINDING)], [Relation(BINDING, ROOT, "is_a")], version="x"
        )
    payload = GenerateEvaluationSet(
        old_annotation_set_id=stored.old_annotation_set_id,
        new_annotation_set_id=stored.new_annotation_set_id,
        pivot_ontology_snapshot_id=third,
    )

    job = await bench.finished(await bench.request(payload))

    assert job.result is not None
    assert job.result["evaluation_set_id"] != str(set_id)
    assert job.result["unmapped_annotations"] == 8
    assert {row.pivot_snapshot_id for row in await bench.evaluation_sets()} == {stored.pivot_snapshot_id, third}


async def test_a_pivot_that_does_not_exist_is_named(bench: EvaluatorBench, tmp_path: Path) -> None:
    release, _ = await releases(bench)
    old, new = [await bench.insert_annotations(release, []) for _ in range(2)]
    missing = UUID(int=5)
    job_id = await bench.request(
        GenerateEvaluationSet(old_annotation_set_id=old, new_annotation_set_id=new, pivot_ontology_snapshot_id=missing)
    )

    async with bench.evaluator() as handler:
        outcome = await bench.deliver(handler, job_id)

    assert isinstance(outcome, DeadLettered)
    assert outcome.error_code == "OntologyNotFoundError"
    assert str(missing) in outcome.reason
