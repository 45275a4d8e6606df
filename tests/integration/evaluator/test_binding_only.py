"""CAFA's rule for proteins that gained protein binding alone, from the request to measures and baselines."""

from __future__ import annotations

import asyncio
from io import BytesIO
from uuid import UUID, uuid5

import pytest
from pyarrow import parquet
from sqlalchemy import select

from protea_common.db import session_scope
from protea_common.messaging.bus import DeadLettered
from protea_common.operations import CompareEvaluations, PredictBaseline
from protea_common.orm import EvaluationSet, GOPrediction, JobStatus
from support.binding import IDENTICAL_BINDING, PROTEINS, binding_graph
from support.evaluation import BINDING, CATALYSIS, KINASE, NUCLEUS, PHOSPHORYLATION
from support.evaluator import EvaluatorBench

OLD = [("P3", KINASE, "IDA", None), ("P3", PHOSPHORYLATION, "IDA", None), ("P4", NUCLEUS, "IDA", None)]
NEW = [
    *OLD,
    ("P1", PROTEINS, "IPI", None),
    ("P2", PROTEINS, "IPI", None),
    ("P2", BINDING, "IPI", None),
    ("P2", NUCLEUS, "IDA", None),
    ("P3", PROTEINS, "IPI", None),
    ("P4", IDENTICAL_BINDING, "IPI", None),
]
"""P1 to P3 gained protein binding alone, P1 nothing else, P2 a compartment too; P3 knew a function, P4 gained more."""


class Sets:
    """The same pair of releases by both rules."""

    def __init__(self, old: UUID, new: UUID, whole: EvaluationSet, dropped: EvaluationSet) -> None:
        self.old, self.new, self.whole, self.dropped = old, new, whole, dropped


async def both(bench: EvaluatorBench) -> Sets:
    release = await bench.insert_graph(binding_graph())
    old, new = await bench.insert_annotations(release, OLD), await bench.insert_annotations(release, NEW)
    await bench.finished(await bench.generate(old, new))
    await bench.finished(await bench.generate(old, new, drop_binding_only=True))
    stored = {each.drops_binding_only: each for each in await bench.evaluation_sets()}
    return Sets(old, new, stored[False], stored[True])


async def truth_of(bench: EvaluatorBench, stored: EvaluationSet) -> dict[str, list[str]]:
    names = ("ground-truth-NK", "ground-truth-LK", "ground-truth-PK", "known-terms")
    folder = f"evaluations/sets/{stored.id}"
    return {name: (await bench.read_artifact(f"{folder}/{name}.tsv")).splitlines() for name in names}


async def test_both_rules_live_side_by_side_and_the_default_keeps_its_id(bench: EvaluatorBench) -> None:
    sets = await both(bench)

    again = await bench.finished(await bench.generate(sets.old, sets.new, drop_binding_only=True))

    assert sets.whole.id == uuid5(sets.old, str(sets.new))
    assert again.result == {"evaluation_set_id": str(sets.dropped.id), "existing": True, **sets.dropped.stats}
    assert len(await bench.evaluation_sets()) == 2
    assert "binding_only_proteins" not in sets.whole.stats
    assert sets.dropped.stats == {
        "delta_proteins": 2,
        "nk_proteins": 1,
        "lk_proteins": 1,
        "pk_proteins": 0,
        "nk_annotations": 1,
        "lk_annotations": 1,
        "pk_annotations": 0,
        "known_terms_count": 0,
        "binding_only_proteins": 3,
        "binding_only_annotations": 4,
        "unmapped_annotations": 0,
    }


async def test_the_files_follow_the_rule(bench: EvaluatorBench) -> None:
    sets = await both(bench)

    assert await truth_of(bench, sets.dropped) == {
        "ground-truth-NK": [f"P2\t{NUCLEUS}"],
        "ground-truth-LK": [f"P4\t{IDENTICAL_BINDING}"],
        "ground-truth-PK": [],
        "known-terms": [],
    }
    assert await truth_of(bench, sets.whole) == {
        "ground-truth-NK": [f"P1\t{PROTEINS}", f"P2\t{BINDING}", f"P2\t{PROTEINS}", f"P2\t{NUCLEUS}"],
        "ground-truth-LK": [f"P4\t{IDENTICAL_BINDING}"],
        "ground-truth-PK": [f"P3\t{PROTEINS}"],
        "known-terms": [f"P3\t{KINASE}"],
    }
    content = await bench.artifacts.get(f"evaluations/sets/{sets.dropped.id}/ground-truth.parquet")
    assert [(row["accession"], row["go_id"]) for row in parquet.read_table(BytesIO(content)).to_pylist()] == [
        ("P4", IDENTICAL_BINDING),
        ("P2", NUCLEUS),
    ]


@pytest.mark.parametrize("engine", ["protea", "cafaeval"])
async def test_measures_follow_the_rule_of_their_evaluation_set(bench: EvaluatorBench, engine: str) -> None:
    sets = await both(bench)
    predictions = await bench.insert_predictions(
        sets.old, [("P1", PROTEINS, 0.9), ("P2", NUCLEUS, 0.9), ("P3", CATALYSIS, 0.9), ("P4", IDENTICAL_BINDING, 0.9)]
    )
    jobs = [await bench.run(each.id, predictions, engine=engine, n_resamples=0) for each in (sets.whole, sets.dropped)]
    assert [(await bench.finished(job_id)).status for job_id in jobs] == [JobStatus.SUCCEEDED] * 2

    results = {each.evaluation_set_id: each for each in await bench.results()}
    whole, dropped = results[sets.whole.id], results[sets.dropped.id]

    assert {name: set(cells) for name, cells in dropped.results.items()} == {"NK": {"CCO"}, "LK": {"MFO"}, "PK": set()}
    assert dropped.results["LK"]["MFO"]["fmax"] == whole.results["LK"]["MFO"]["fmax"] == pytest.approx(1)
    assert whole.results["NK"]["MFO"]["cohort"] == 2
    assert (dropped.evaluator["drops_binding_only"], "drops_binding_only" in whole.evaluator) == (True, False)
    assert dropped.evaluator["frame"]["digest"] != whole.evaluator["frame"]["digest"]


async def test_results_by_different_rules_are_not_compared(bench: EvaluatorBench) -> None:
    sets = await both(bench)
    predictions = await bench.insert_predictions(sets.old, [("P2", NUCLEUS, 0.9)])
    for each in (sets.whole, sets.dropped):
        await bench.finished(await bench.run(each.id, predictions, n_resamples=0))
    ours, theirs = await bench.results()
    request = CompareEvaluations(evaluation_result_id=ours.id, baseline_evaluation_result_id=theirs.id)
    job_id = await bench.request(request)

    async with bench.evaluator() as handler:
        outcome = await bench.deliver(handler, job_id)

    assert isinstance(outcome, DeadLettered)
    assert outcome.error_code == "DifferentFramesError"
    assert "drops_binding_only" in outcome.reason


async def test_baselines_are_made_for_the_targets_that_are_left_from_all_that_was_known(bench: EvaluatorBench) -> None:
    sets = await both(bench)

    async def scores(stored: EvaluationSet) -> dict[str, set[float]]:
        job = await bench.finished(await bench.request(PredictBaseline(evaluation_set_id=stored.id, method="naive")))
        assert job.result is not None
        async with session_scope(bench.session_factory) as session:
            statement = select(GOPrediction.protein_accession, GOPrediction.score).where(
                GOPrediction.prediction_set_id == UUID(job.result["prediction_set_id"])
            )
            found: dict[str, set[float]] = {}
            for accession, score in await session.execute(statement):
                found.setdefault(accession, set()).add(score)
        return found

    whole, dropped = await scores(sets.whole), await scores(sets.dropped)
    assert (set(whole), set(dropped)) == ({"P1", "P2", "P3", "P4"}, {"P2", "P4"})
    assert dropped.items() <= whole.items()


async def test_two_jobs_of_both_rules_at_once_make_both_sets(bench: EvaluatorBench) -> None:
    release = await bench.insert_graph(binding_graph())
    old, new = await bench.insert_annotations(release, OLD), await bench.insert_annotations(release, NEW)
    jobs = [await bench.generate(old, new, drop_binding_only=drops) for drops in (False, True)]

    async with bench.evaluator() as handler:
        await asyncio.gather(*(bench.deliver(handler, job_id) for job_id in jobs))

    assert {each.drops_binding_only for each in await bench.evaluation_sets()} == {False, True}
