"""Analysing how annotations changed between two sets."""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy import update

from protea_common.db import session_scope
from protea_common.messaging.bus import Acknowledged, DeadLettered
from protea_common.operations import AnalyzeAnnotationEvolution
from protea_common.orm import JobStatus, ProteinGOAnnotation
from support.evaluation import BINDING, KINASE, NUCLEUS, PHOSPHORYLATION, small_graph
from support.evaluator import EvaluatorBench

OLD = [
    ("P1", BINDING, "IDA", None),
    ("P1", NUCLEUS, "IEA", None),
    ("P2", KINASE, "IDA", None),
]
NEW = [
    ("P1", BINDING, "IDA", None),
    ("P1", BINDING, "IPI", None),
    ("P2", KINASE, "IDA", "NOT|enables"),
    ("P3", PHOSPHORYLATION, "IEA", None),
]
"""P1 keeps binding, gains it by other evidence and loses the nucleus; of P2 a claim becomes its denial."""


def change(aspect: str, evidence: str, *, kept: int = 0, gained: int = 0, lost: int = 0, denials: int = 0) -> object:
    counts = {"kept": kept, "gained": gained, "lost": lost, "denials": denials}
    return {"aspect": aspect, "evidence": evidence, **counts}


async def two_sets(bench: EvaluatorBench) -> tuple[UUID, UUID]:
    """Insert both, as of two ontologies, whose terms have other numbers."""
    earlier = await bench.insert_graph(small_graph(), version="releases/2018-01-01")
    later = await bench.insert_graph(small_graph())
    return await bench.insert_annotations(earlier, OLD), await bench.insert_annotations(later, NEW)


async def ask(bench: EvaluatorBench, old: UUID, new: UUID) -> UUID:
    return await bench.request(AnalyzeAnnotationEvolution(old_annotation_set_id=old, new_annotation_set_id=new))


async def date_all(bench: EvaluatorBench, set_id: UUID, *, source: str, day: str) -> None:
    async with session_scope(bench.session_factory) as session:
        of_set = update(ProteinGOAnnotation).where(ProteinGOAnnotation.annotation_set_id == set_id)
        await session.execute(of_set.values(assigned_by=source, annotation_date=day))


async def test_annotations_are_kept_gained_and_lost_by_protein_term_evidence_and_sign(bench: EvaluatorBench) -> None:
    old, new = await two_sets(bench)
    await date_all(bench, new, source="MGI", day="20180301")

    job = await bench.finished(await ask(bench, old, new))

    assert job.status is JobStatus.SUCCEEDED
    assert job.result is not None
    assert job.result["changes"] == [
        change("F", "Experimental", kept=1, gained=2, lost=1, denials=1),
        change("P", "Electronic", gained=1),
        change("C", "Electronic", lost=1),
    ]
    told = [(each["source"], each["evidence"], each["gained"], each["commonest_day"]) for each in job.result["sources"]]
    assert told == [("MGI", "Experimental", 2, "20180301"), ("MGI", "Electronic", 1, "20180301")]
    assert not any(each["is_doubtful"] for each in job.result["sources"])


async def test_dates_that_say_little_are_warned_of(bench: EvaluatorBench) -> None:
    snapshot_id = await bench.insert_graph(small_graph())
    old = await bench.insert_annotations(snapshot_id, OLD)
    new = await bench.insert_annotations(snapshot_id, [(f"P{number}", BINDING, "IPI", None) for number in range(1_000)])
    await date_all(bench, new, source="IntAct", day="20190113")

    job_id = await ask(bench, old, new)
    job = await bench.finished(job_id)

    assert job.result is not None
    assert [(each["source"], each["is_doubtful"]) for each in job.result["sources"]] == [("IntAct", True)]
    (warning,) = await bench.timeline(job_id, "evolution.doubtful_dates")
    assert warning.message is not None
    assert "Of 1000 annotations by IntAct (Experimental) that came, 1000 bear 20190113" in warning.message


async def test_asking_twice_says_the_same(bench: EvaluatorBench) -> None:
    old, new = await two_sets(bench)
    job_id = await ask(bench, old, new)

    async with bench.evaluator() as handler:
        assert await bench.deliver(handler, job_id) == Acknowledged()
        first = (await bench.job(job_id)).result
        assert await bench.deliver(handler, job_id) == Acknowledged()

    assert (await bench.job(job_id)).result == first
    assert (await bench.finished(await ask(bench, old, new))).result == first


async def refusal(bench: EvaluatorBench, job_id: UUID) -> str | None:
    """Deliver a job that must fail for good; give the name of its error."""
    async with bench.evaluator() as handler:
        outcome = await bench.deliver(handler, job_id)
    assert (await bench.job(job_id)).status is JobStatus.FAILED
    assert isinstance(outcome, DeadLettered)
    return outcome.error_code


async def test_a_set_is_not_compared_with_itself_or_with_one_that_is_not_there(bench: EvaluatorBench) -> None:
    old, _ = await two_sets(bench)

    assert await refusal(bench, await ask(bench, old, old)) == "SameAnnotationSetError"
    assert await refusal(bench, await ask(bench, old, uuid4())) == "AnnotationSetNotFoundError"
