"""Measuring a prediction set on an evaluation set, with figures worked out by hand."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
import pytest
from pydantic import ValidationError
from sqlalchemy import func, insert, select, text, update

from protea_common.db import session_scope
from protea_common.events import EvaluationDone
from protea_common.jobs import cancel_job, consume_jobs
from protea_common.messaging.bus import Acknowledged, DeadLettered, Handler
from protea_common.operations import RunCafaEvaluation
from protea_common.orm import InterProGoRelease, Job, JobStatus, PredictionSetStatus, ScoringConfig
from protea_evaluator.adapters.cafaeval import CafaevalRunner
from protea_evaluator.usecases.engines import CafaevalEngine
from protea_evaluator.usecases.read_delta import DeltaReader
from protea_evaluator.usecases.run_cafa_evaluation import MeasurePredictions
from protea_evaluator.usecases.term_weights import TermWeightsReader
from support.evaluation import (
    BINDING,
    CELLULAR_PROCESS,
    KINASE,
    NUCLEOLUS,
    NUCLEUS,
    PHOSPHORYLATION,
    WITHIN_CELL,
    small_graph,
)
from support.evaluator import AwayArtifactStore, EvaluatorBench

OLD = [("P2", BINDING, "IDA", None), ("P3", WITHIN_CELL, "IDA", None)]
NEW = [
    ("P1", KINASE, "IDA", None),
    ("P4", KINASE, "IDA", None),
    ("P2", PHOSPHORYLATION, "IDA", None),
    ("P3", NUCLEOLUS, "IDA", None),
]
PREDICTIONS = [
    ("P1", KINASE, 0.6),
    ("P1", BINDING, 0.3),
    ("P2", CELLULAR_PROCESS, 0.8),
    ("P3", NUCLEUS, 0.5),
    ("P3", WITHIN_CELL, 0.9),
    ("P9", KINASE, 0.9),
]

MAIN_FIGURES = ("fmax", "precision", "recall", "tau", "coverage", "n_proteins", "cohort")

RESULTS = {
    # P1 and P4 gained kinase, and so catalysis. Above .3 P1 is predicted just these, P4 nothing: 1 and 1/2.
    "NK": {
        "MFO": {
            "fmax": 0.667,
            "precision": 1.0,
            "recall": 0.5,
            "tau": 0.31,
            "coverage": 0.5,
            "n_proteins": 1,
            "cohort": 2,
        }
    },
    # P2 gained phosphorylation, and so cellular process, which alone is predicted: 1 and 1/2.
    "LK": {
        "BPO": {
            "fmax": 0.667,
            "precision": 1.0,
            "recall": 0.5,
            "tau": 0.01,
            "coverage": 1.0,
            "n_proteins": 1,
            "cohort": 1,
        }
    },
    # P3 gained nucleolus, and so nucleus, which alone is predicted; what lies within the cell was known: 1 and 1/2.
    # Counted as new, the known term would give 1 and 2/3.
    "PK": {
        "CCO": {
            "fmax": 0.667,
            "precision": 1.0,
            "recall": 0.5,
            "tau": 0.01,
            "coverage": 1.0,
            "n_proteins": 1,
            "cohort": 1,
        }
    },
}


@dataclass(frozen=True, slots=True)
class Sets:
    old: UUID
    new: UUID
    evaluation: UUID


@pytest.fixture
async def sets(bench: EvaluatorBench) -> Sets:
    snapshot_id = await bench.insert_graph(small_graph())
    old, new = await bench.insert_annotations(snapshot_id, OLD), await bench.insert_annotations(snapshot_id, NEW)
    await bench.finished(await bench.generate(old, new))
    (stored,) = await bench.evaluation_sets()
    return Sets(old, new, stored.id)


async def submitted(bench: EvaluatorBench, sets: Sets, engine: str = "protea", **recipe: Any) -> UUID:
    predictions = await bench.insert_predictions(sets.old, PREDICTIONS)
    return await bench.run(sets.evaluation, predictions, engine=engine, **recipe)


def main_figures(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, dict[str, Any]]]:
    """What both engines give, to the three decimals of cafaeval's tables."""
    return {
        category: {aspect: {name: round(cell[name], 3) for name in MAIN_FIGURES} for aspect, cell in cells.items()}
        for category, cells in results.items()
    }


@asynccontextmanager
async def handler_of(bench: EvaluatorBench, program: Sequence[str]) -> AsyncIterator[Handler]:
    """Measure with another program than the installed cafaeval."""
    with ThreadPoolExecutor(1) as executor:
        runner = CafaevalRunner(executor=executor, timeout=timedelta(minutes=1), program=program)
        measure = MeasurePredictions(
            unit_of_work=bench.unit_of_work,
            delta_reader=DeltaReader(unit_of_work=bench.unit_of_work, executor=executor),
            weights_reader=TermWeightsReader(
                unit_of_work=bench.unit_of_work, artifacts=bench.artifacts, executor=executor
            ),
            engines={"cafaeval": CafaevalEngine(runner=runner, executor=executor)},
            artifacts=bench.artifacts,
            executor=executor,
        )
        yield consume_jobs({"run_cafa_evaluation": measure}, bench.parts())


@pytest.mark.parametrize("engine", ["protea", "cafaeval"])
async def test_results_are_those_worked_out_by_hand(bench: EvaluatorBench, sets: Sets, engine: str) -> None:
    job = await bench.finished(await submitted(bench, sets, engine))

    (stored,) = await bench.results()
    assert job.status is JobStatus.SUCCEEDED
    assert main_figures(stored.results) == RESULTS
    assert stored.evaluator["engine"] == engine
    assert (job.progress_current, job.progress_total) == (3, 3)


async def test_our_own_engine_weighs_terms_by_what_was_known_at_t0(bench: EvaluatorBench, sets: Sets) -> None:
    await bench.finished(await submitted(bench, sets))

    (stored,) = await bench.results()
    # At t0 one protein had a function, and so could have had catalysis, but nobody had: log2(2/1) bits. Nobody had
    # catalysis, so nobody could have had kinase: no bits. P1 has found its bit, P4 has not.
    weighted = stored.results["NK"]["MFO"]["weighted"]
    assert weighted["fmax"] == pytest.approx(2 / 3)
    assert weighted["smin"] == pytest.approx((0 + 1) / 2)
    assert len(stored.evaluator["information_accretion_sha256"]) == 64


async def test_fmax_comes_with_its_interval(bench: EvaluatorBench, sets: Sets) -> None:
    await bench.finished(await submitted(bench, sets))

    (stored,) = await bench.results()
    interval = stored.results["NK"]["MFO"]["interval"]
    assert interval["low"] <= interval["estimate"] <= interval["high"]
    assert "interval" not in stored.results["LK"]["BPO"]  # of one protein


async def test_without_resamples_there_is_no_interval(bench: EvaluatorBench, sets: Sets) -> None:
    await bench.finished(await submitted(bench, sets, n_resamples=0))

    (stored,) = await bench.results()
    assert "interval" not in stored.results["NK"]["MFO"]


async def test_every_score_can_be_a_threshold(bench: EvaluatorBench, sets: Sets) -> None:
    await bench.finished(await submitted(bench, sets, thresholds="exact"))

    (stored,) = await bench.results()
    assert stored.results["NK"]["MFO"]["tau"] == 0.6
    assert stored.evaluator["recipe"]["thresholds"] == "exact"


def test_cafaeval_is_not_asked_for_what_it_cannot_do() -> None:
    with pytest.raises(ValidationError, match="thresholds and cohort; take engine=protea"):
        RunCafaEvaluation(
            evaluation_set_id=uuid4(),
            prediction_set_id=uuid4(),
            engine="cafaeval",
            thresholds="exact",
            cohort="mixed",
        )


async def test_a_result_says_what_was_measured_and_how(bench: EvaluatorBench, sets: Sets) -> None:
    async with session_scope(bench.session_factory) as session:
        config_id = await session.scalar(
            insert(ScoringConfig).values(id=uuid4(), name="plain", formula="linear").returning(ScoringConfig.id)
        )
    prediction_set = await bench.insert_predictions(sets.old, PREDICTIONS, scoring_config_id=config_id)
    job_id = await bench.run(sets.evaluation, prediction_set)

    job = await bench.finished(job_id)

    (stored,) = await bench.results()
    ids = {
        "evaluation_result_id": str(stored.id),
        "evaluation_set_id": str(sets.evaluation),
        "prediction_set_id": str(prediction_set),
    }
    assert (stored.evaluation_set_id, stored.prediction_set_id) == (sets.evaluation, prediction_set)
    assert (stored.scoring_config_id, stored.job_id) == (config_id, job_id)
    assert job.result == ids | {"categories": ["NK", "LK", "PK"], "failed_categories": []}
    assert await bench.events(EvaluationDone) == [ids | {"job_id": str(job_id)}]
    file = json.loads(await bench.read_artifact(f"evaluations/results/{stored.id}/results.json"))
    assert file == ids | {"evaluator": stored.evaluator, "results": stored.results}
    assert {len(stored.evaluator.pop(each)) for each in ("information_accretion_sha256", "code_sha256")} == {64}
    frame = stored.evaluator.pop("frame")
    assert frame["name"] == f"protea {metadata.version('protea')}, fill/cafa/measurable/grid"
    assert len(frame["digest"]) == 12
    assert stored.evaluator == {
        "engine": "protea",
        "version": metadata.version("protea"),
        "recipe": {
            "propagation": "fill",
            "normalisation": "cafa",
            "drops_orphans": True,
            "threshold_step": 0.01,
            "thresholds": "grid",
            "cohort": "measurable",
            "n_resamples": 1000,
        },
        "pk_rule": (
            "known terms and their ancestors leave truth and predictions after propagation; "
            "proteins without a new term leave the cohort"
        ),
        "information_accretion": "experimental annotations known at t0",
        "ontology_version": "releases/2019-01-27",
        "ontology_sha256": "0" * 64,
        "is_pivoted": False,
        "purpose": "probe",
        "window_role": None,
        "holdout_waiver": None,
        "predicted_from_t0": True,
    }


async def test_predictions_made_from_later_annotations_are_marked(bench: EvaluatorBench, sets: Sets) -> None:
    job_id = await bench.run(sets.evaluation, await bench.insert_predictions(sets.new, PREDICTIONS))

    await bench.finished(job_id)

    (stored,) = await bench.results()
    assert stored.evaluator["predicted_from_t0"] is False
    assert [event.level for event in await bench.timeline(job_id, "evaluation.not_from_t0")] == ["warning"]


@pytest.mark.parametrize(
    ("receipt", "released_on", "is_marked"),
    [
        ({"interpro": {"mapping": "1", "release": None}}, date(2016, 12, 31), False),
        ({"interpro": {"mapping": "1", "release": None}}, date(2017, 1, 1), True),
        ({"interpro": {"mapping": "1", "release": None}}, None, True),
        ({"baseline": "interpro", "source_version": "1"}, date(2017, 1, 1), True),
        ({"baseline": "naive", "source_version": None}, None, False),
    ],
)
async def test_predictions_that_read_a_mapping_of_after_t0_are_marked(
    bench: EvaluatorBench, receipt: dict[str, Any], released_on: date | None, *, is_marked: bool
) -> None:
    snapshot_id = await bench.insert_graph(small_graph())
    old = await bench.insert_annotations(snapshot_id, OLD, annotated_before=date(2017, 1, 1))
    evaluation = await bench.finished(await bench.generate(old, await bench.insert_annotations(snapshot_id, NEW)))
    assert evaluation.result is not None
    async with session_scope(bench.session_factory) as session:
        await session.execute(insert(InterProGoRelease).values(source_version="1", released_on=released_on))
    predictions = await bench.insert_predictions(old, PREDICTIONS, meta=receipt)

    job_id = await bench.run(UUID(evaluation.result["evaluation_set_id"]), predictions)
    await bench.finished(job_id)

    (stored,) = await bench.results()
    assert stored.evaluator["predicted_from_t0"] is not is_marked
    assert len(await bench.timeline(job_id, "evaluation.mapping_not_from_t0")) == is_marked


async def test_what_was_not_predicted_is_absent_and_never_zero(bench: EvaluatorBench, sets: Sets) -> None:
    job_id = await bench.run(sets.evaluation, await bench.insert_predictions(sets.old, PREDICTIONS[:1]))

    assert (await bench.finished(job_id)).status is JobStatus.SUCCEEDED

    (stored,) = await bench.results()
    assert (set(stored.results["NK"]), stored.results["LK"], stored.results["PK"]) == ({"MFO"}, {}, {})


async def test_a_second_delivery_does_nothing(bench: EvaluatorBench, sets: Sets) -> None:
    job_id = await submitted(bench, sets)
    await bench.finished(job_id)

    async with bench.evaluator() as handler:
        assert await bench.deliver(handler, job_id) == Acknowledged()

    assert len(await bench.results()) == 1
    assert len(await bench.events(EvaluationDone)) == 1


async def test_a_job_that_is_run_again_keeps_its_one_result(bench: EvaluatorBench, sets: Sets) -> None:
    job_id = await submitted(bench, sets)
    await bench.finished(job_id)
    (first,) = await bench.results()
    async with session_scope(bench.session_factory) as session:
        await session.execute(update(Job).where(Job.id == job_id).values(status=JobStatus.QUEUED))

    assert (await bench.finished(job_id)).status is JobStatus.SUCCEEDED

    (second,) = await bench.results()
    assert (second.id, second.created_at) == (first.id, first.created_at)


async def refusal(bench: EvaluatorBench, job_id: UUID, handler: Handler | None = None) -> DeadLettered:
    """Deliver a job that must fail for good and leave no result."""
    async with bench.evaluator() as evaluator:
        outcome = await bench.deliver(handler or evaluator, job_id)
    assert (await bench.job(job_id)).status is JobStatus.FAILED
    assert await bench.results() == []
    assert isinstance(outcome, DeadLettered)
    return outcome


@pytest.mark.parametrize("status", [PredictionSetStatus.GENERATING, PredictionSetStatus.ABANDONED])
async def test_a_prediction_set_that_is_not_complete_is_refused(
    bench: EvaluatorBench, sets: Sets, status: PredictionSetStatus
) -> None:
    prediction_set = await bench.insert_predictions(sets.old, PREDICTIONS, status=status)

    outcome = await refusal(bench, await bench.run(sets.evaluation, prediction_set))

    assert outcome.error_code == "PredictionSetIncompleteError"
    assert f"is {status}" in outcome.reason


async def test_predictions_in_another_ontology_are_refused_naming_both(bench: EvaluatorBench, sets: Sets) -> None:
    other = await bench.insert_annotations(await bench.insert_graph(small_graph(), version="releases/2020-01-01"), [])
    prediction_set = await bench.insert_predictions(other, PREDICTIONS)

    outcome = await refusal(bench, await bench.run(sets.evaluation, prediction_set))

    assert outcome.error_code == "OntologyMismatchError"
    assert "releases/2019-01-27" in outcome.reason
    assert "releases/2020-01-01" in outcome.reason


async def test_sets_that_do_not_exist_are_named(bench: EvaluatorBench, sets: Sets) -> None:
    missing, prediction_set = uuid4(), await bench.insert_predictions(sets.old, PREDICTIONS)

    no_truth = await refusal(bench, await bench.run(missing, prediction_set))
    no_predictions = await refusal(bench, await bench.run(sets.evaluation, missing))

    assert no_truth.error_code == "EvaluationSetNotFoundError"
    assert no_predictions.error_code == "PredictionSetNotFoundError"
    assert str(missing) in no_truth.reason
    assert str(missing) in no_predictions.reason


async def test_while_the_artifact_store_is_away_the_job_is_queued_again(bench: EvaluatorBench, sets: Sets) -> None:
    job_id = await submitted(bench, sets)

    async with bench.evaluator(artifacts=AwayArtifactStore(bench.folder)) as handler:
        assert await bench.deliver(handler, job_id) == Acknowledged()

    assert (await bench.job(job_id)).status is JobStatus.QUEUED
    assert await bench.results() == []
    assert (await bench.finished(job_id)).status is JobStatus.SUCCEEDED


async def test_a_category_that_fails_is_left_out_with_a_warning(bench: EvaluatorBench, sets: Sets) -> None:
    job_id = await submitted(bench, sets, "cafaeval")
    fails_on_p2 = f'grep -q P2 truth.tsv && echo "no such row" && exit 3; exec {sys.executable} -m cafaeval "$@"'

    async with handler_of(bench, ("sh", "-c", fails_on_p2, "sh")) as handler:
        assert await bench.deliver(handler, job_id) == Acknowledged()

    (stored,) = await bench.results()
    (warning,) = await bench.timeline(job_id, "evaluation.category_failed")
    job = await bench.job(job_id)
    assert main_figures(stored.results) == {category: RESULTS[category] for category in ("NK", "PK")}
    assert job.result is not None
    assert (job.result["categories"], job.result["failed_categories"]) == (["NK", "PK"], ["LK"])
    assert (warning.level, warning.fields["category"]) == ("warning", "LK")
    assert warning.message is not None
    assert warning.message.endswith("no such row")


async def test_a_job_whose_every_category_fails_is_failed_with_the_programs_own_words(
    bench: EvaluatorBench, sets: Sets
) -> None:
    job_id = await submitted(bench, sets, "cafaeval")

    async with handler_of(bench, ("sh", "-c", "echo out of luck; exit 3")) as handler:
        outcome = await refusal(bench, job_id, handler)

    assert outcome.error_code == "CafaevalFailedError"
    assert "out of luck" in outcome.reason
    assert len(await bench.timeline(job_id, "evaluation.category_failed")) == 3


async def test_cancelling_the_job_kills_the_program_and_its_children(
    bench: EvaluatorBench, sets: Sets, tmp_path: Path
) -> None:
    job_id, pid_file = await submitted(bench, sets, "cafaeval"), tmp_path / "pid"
    async with handler_of(bench, sleeper(pid_file)) as handler:
        delivery = asyncio.create_task(bench.deliver(handler, job_id))
        child = await read_pid(pid_file)

        async with bench.unit_of_work() as work:
            await cancel_job(work, job_id, reason="user")

        assert await delivery == Acknowledged()
    await wait_until_ended(child)
    assert (await bench.job(job_id)).status is JobStatus.CANCELLED
    assert await bench.results() == []


async def test_no_transaction_is_open_while_the_program_runs(bench: EvaluatorBench, sets: Sets, tmp_path: Path) -> None:
    job_id, pid_file = await submitted(bench, sets, "cafaeval"), tmp_path / "pid"
    idle = select(func.count()).where(text("datname = current_database() AND state LIKE 'idle in transaction%'"))
    async with handler_of(bench, sleeper(pid_file)) as handler:
        delivery = asyncio.create_task(bench.deliver(handler, job_id))
        await read_pid(pid_file)

        # A heartbeat's transaction ends at once; one that was left open lasts as long as the program, a minute.
        async with asyncio.timeout(10), session_scope(bench.session_factory) as session:
            while await session.scalar(idle.select_from(text("pg_stat_activity"))):
                await session.execute(text("SELECT pg_stat_clear_snapshot()"))

        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
    assert (await bench.job(job_id)).status is JobStatus.QUEUED


def sleeper(pid_file: Path) -> tuple[str, ...]:
    """A program that starts a child, writes its number and waits for it."""
    return ("sh", "-c", f"sleep 60 & echo $! > {pid_file}; wait")


async def read_pid(path: Path) -> int:
    async with asyncio.timeout(30):
        while not (path.exists() and path.read_text().endswith("\n")):
            await asyncio.sleep(0.01)
    return int(path.read_text())


async def wait_until_ended(pid: int) -> None:
    async with asyncio.timeout(10):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.01)
