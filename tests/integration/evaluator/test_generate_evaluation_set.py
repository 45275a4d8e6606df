"""Generating an evaluation set: what was learnt between two annotation sets, as rows and as files."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID, uuid4

import pytest
from pyarrow import parquet

from protea_common.db import session_scope
from protea_common.domain.ontology import ASPECTS, Relation, Term
from protea_common.messaging.bus import Acknowledged, DeadLettered
from protea_common.orm import JobStatus
from support.evaluation import (
    BINDING,
    CATALYSIS,
    FUNCTION,
    KINASE,
    NUCLEOLUS,
    NUCLEUS,
    PHOSPHORYLATION,
    WITHIN_CELL,
    small_graph,
)
from support.evaluator import AwayArtifactStore, EvaluatorBench
from support.ontology_rows import insert_ontology

OLD = [
    ("P2", BINDING, "IDA", None),
    ("P3", WITHIN_CELL, "IMP", None),
    ("P4", CATALYSIS, "IEA", "NOT|enables"),
]
NEW = [
    ("P1", KINASE, "IDA", None),
    ("P1", NUCLEUS, "IEA", None),
    ("P2", BINDING, "IDA", None),
    ("P2", PHOSPHORYLATION, "EXP", "involved_in"),
    ("P3", WITHIN_CELL, "IMP", None),
    ("P3", NUCLEOLUS, "ECO:0000314", "part_of"),
    ("P4", KINASE, "IDA", None),
]
"""P1 is of no knowledge, P2 of limited knowledge in BPO, P3 of partial knowledge in CCO.

P1 gains the nucleus by electronic evidence only. P4 lacks catalysis, and so every kind of it.
"""

STATS = {
    "delta_proteins": 3,
    "nk_proteins": 1,
    "lk_proteins": 1,
    "pk_proteins": 1,
    "nk_annotations": 1,
    "lk_annotations": 1,
    "pk_annotations": 1,
    "known_terms_count": 1,
    "unmapped_annotations": 0,
}


async def two_releases(bench: EvaluatorBench) -> tuple[UUID, UUID]:
    snapshot_id = await bench.insert_graph(small_graph())
    return await bench.insert_annotations(snapshot_id, OLD), await bench.insert_annotations(snapshot_id, NEW)


async def test_what_was_learnt_is_counted_and_written_by_category(bench: EvaluatorBench) -> None:
    old, new = await two_releases(bench)

    job_id = await bench.generate(old, new)
    job = await bench.finished(job_id)

    (stored,) = await bench.evaluation_sets()
    assert job.status is JobStatus.SUCCEEDED
    assert job.result == {"evaluation_set_id": str(stored.id), "existing": False, **STATS}
    assert stored.stats == STATS
    assert (stored.old_annotation_set_id, stored.new_annotation_set_id, stored.job_id) == (old, new, job_id)
    folder = f"evaluations/sets/{stored.id}"
    assert stored.groundtruth_uri == bench.artifacts.url(folder)
    assert await bench.read_artifact(f"{folder}/ground-truth-NK.tsv") == f"P1\t{KINASE}\n"
    assert await bench.read_artifact(f"{folder}/ground-truth-LK.tsv") == f"P2\t{PHOSPHORYLATION}\n"
    assert await bench.read_artifact(f"{folder}/ground-truth-PK.tsv") == f"P3\t{NUCLEOLUS}\n"
    assert await bench.read_artifact(f"{folder}/known-terms.tsv") == f"P3\t{WITHIN_CELL}\n"
    table = parquet.read_table(BytesIO(await bench.artifacts.get(f"{folder}/ground-truth.parquet")))
    assert table.to_pylist() == [
        {"category": category, "aspect": aspect, "accession": accession, "go_id": go_id}
        for category, aspect, accession, go_id in (
            ("LK", "BPO", "P2", PHOSPHORYLATION),
            ("NK", "MFO", "P1", KINASE),
            ("PK", "CCO", "P3", NUCLEOLUS),
            ("known", "CCO", "P3", WITHIN_CELL),
        )
    ]


async def test_the_lines_of_a_file_are_sorted_as_text(bench: EvaluatorBench) -> None:
    snapshot_id = await bench.insert_graph(small_graph())
    old = await bench.insert_annotations(snapshot_id, [])
    gained = [(accession, go_id, "IDA", None) for accession in ("P9", "P10") for go_id in (KINASE, NUCLEUS, BINDING)]
    new = await bench.insert_annotations(snapshot_id, gained)

    await bench.finished(await bench.generate(old, new))

    (stored,) = await bench.evaluation_sets()
    lines = (await bench.read_artifact(f"evaluations/sets/{stored.id}/ground-truth-NK.tsv")).splitlines()
    assert lines == [f"{name}\t{go_id}" for name in ("P10", "P9") for go_id in (BINDING, NUCLEUS, KINASE)]


async def test_a_second_delivery_does_nothing(bench: EvaluatorBench) -> None:
    job_id = await bench.generate(*await two_releases(bench))
    first = await bench.finished(job_id)

    async with bench.evaluator() as handler:
        assert await bench.deliver(handler, job_id) == Acknowledged()

    assert len(await bench.evaluation_sets()) == 1
    assert (await bench.job(job_id)).finished_at == first.finished_at


async def test_a_pair_that_was_compared_before_keeps_its_evaluation_set(bench: EvaluatorBench) -> None:
    old, new = await two_releases(bench)
    first = await bench.finished(await bench.generate(old, new))

    second = await bench.finished(await bench.generate(old, new))

    assert first.result is not None
    assert second.result == first.result | {"existing": True}
    assert len(await bench.evaluation_sets()) == 1


async def test_annotations_of_terms_that_are_gone_go_to_their_only_successor_or_are_counted(
    bench: EvaluatorBench,
) -> None:
    replaced, dead = "GO:0000001", "GO:0000002"
    terms = [term(FUNCTION), term(KINASE), term(replaced, KINASE, is_obsolete=True), term(dead, is_obsolete=True)]
    async with session_scope(bench.session_factory) as session:
        snapshot_id = await insert_ontology(session, terms, [Relation(KINASE, FUNCTION, "is_a")])
    old = await bench.insert_annotations(snapshot_id, [])
    gained = [("P1", replaced, "IDA", None), ("P2", dead, "IDA", None), ("P3", dead, "IEA", None)]
    new = await bench.insert_annotations(snapshot_id, gained)

    await bench.finished(await bench.generate(old, new))

    (stored,) = await bench.evaluation_sets()
    assert (stored.stats["nk_proteins"], stored.stats["unmapped_annotations"]) == (1, 1)
    truth = await bench.read_artifact(f"evaluations/sets/{stored.id}/ground-truth-NK.tsv")
    assert truth == f"P1\t{KINASE}\n"


def term(go_id: str, *replaced_by: str, is_obsolete: bool = False) -> Term:
    return Term(
        go_id=go_id,
        name=go_id,
        aspect=ASPECTS[0],
        definition=None,
        is_obsolete=is_obsolete,
        replaced_by=replaced_by,
    )


async def refusal(bench: EvaluatorBench, job_id: UUID) -> DeadLettered:
    """Deliver a job that must fail for good and leave nothing behind."""
    async with bench.evaluator() as handler:
        outcome = await bench.deliver(handler, job_id)
    assert (await bench.job(job_id)).status is JobStatus.FAILED
    assert await bench.evaluation_sets() == []
    assert isinstance(outcome, DeadLettered)
    return outcome


async def test_sets_of_different_ontologies_are_refused_with_what_to_do(bench: EvaluatorBench) -> None:
    earlier = await bench.insert_graph(small_graph(), version="releases/2017-01-01")
    later = await bench.insert_graph(small_graph(), version="releases/2019-01-27")
    old, new = await bench.insert_annotations(earlier, OLD), await bench.insert_annotations(later, NEW)

    outcome = await refusal(bench, await bench.generate(old, new))

    assert outcome.error_code == "DifferentOntologiesError"
    for said in ("releases/2017-01-01", "releases/2019-01-27", "pivot_ontology_snapshot_id", "load both"):
        assert said in outcome.reason


async def test_a_set_is_not_compared_with_itself(bench: EvaluatorBench) -> None:
    old, _ = await two_releases(bench)

    outcome = await refusal(bench, await bench.generate(old, old))

    assert outcome.error_code == "SameAnnotationSetError"


async def test_a_set_that_does_not_exist_is_named(bench: EvaluatorBench) -> None:
    old, missing = (await two_releases(bench))[0], uuid4()

    outcome = await refusal(bench, await bench.generate(old, missing))

    assert outcome.error_code == "AnnotationSetNotFoundError"
    assert str(missing) in outcome.reason


async def test_while_the_artifact_store_is_away_the_job_is_queued_again(bench: EvaluatorBench) -> None:
    job_id = await bench.generate(*await two_releases(bench))

    async with bench.evaluator(artifacts=AwayArtifactStore(bench.folder)) as handler:
        assert await bench.deliver(handler, job_id) == Acknowledged()

    assert (await bench.job(job_id)).status is JobStatus.QUEUED
    assert await bench.evaluation_sets() == []
    assert (await bench.finished(job_id)).status is JobStatus.SUCCEEDED


@pytest.mark.parametrize("rows", [[], [("P1", KINASE, "IEA", None)]])
async def test_nothing_learnt_gives_an_evaluation_set_of_zeros(
    bench: EvaluatorBench, rows: list[tuple[str, str, str, str | None]]
) -> None:
    snapshot_id = await bench.insert_graph(small_graph())
    old, new = await bench.insert_annotations(snapshot_id, OLD), await bench.insert_annotations(snapshot_id, rows)

    job = await bench.finished(await bench.generate(old, new))

    (stored,) = await bench.evaluation_sets()
    assert job.status is JobStatus.SUCCEEDED
    assert set(stored.stats.values()) == {0}
    assert await bench.read_artifact(f"evaluations/sets/{stored.id}/ground-truth-PK.tsv") == ""


async def test_a_window_keeps_what_it_is_for(bench: EvaluatorBench) -> None:
    old, new = await two_releases(bench)
    waiver = "The tables of this test have no dates."
    await bench.finished(await bench.generate(old, new, window_role="test", holdout_waiver=waiver))

    again = await bench.finished(await bench.generate(old, new))
    other = await bench.generate(old, new, window_role="valid")
    async with bench.evaluator() as handler:
        disposition = await bench.deliver(handler, other)

    (stored,) = await bench.evaluation_sets()
    assert stored.window_role == "test"
    assert again.status is JobStatus.SUCCEEDED
    assert isinstance(disposition, DeadLettered)
    assert disposition.error_code == "DifferentRoleError"
