"""Windows have roles: what is selected on lies before what is reported on, and dates are known or waived."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from protea_common.messaging.bus import DeadLettered
from protea_common.operations import GenerateEvaluationSet, RunCafaEvaluation
from protea_common.orm import JobStatus
from support.evaluation import KINASE, small_graph
from support.evaluator import EvaluatorBench

WAIVER = "The release notes give the date, the file does not."
DAYS = tuple(date(year, 1, 1) for year in (2016, 2017, 2018, 2019))


async def snapshots(bench: EvaluatorBench, *days: date | None) -> list[UUID]:
    release = await bench.insert_graph(small_graph())
    return [
        await bench.insert_annotations(
            release, [("P1", KINASE, "IDA", None)] if number else [], annotated_before=day, source_version=f"{number}"
        )
        for number, day in enumerate(days)
    ]


def window(old: UUID, new: UUID, role: str | None, waiver: str | None = None) -> GenerateEvaluationSet:
    return GenerateEvaluationSet.model_validate(
        {
            "old_annotation_set_id": old,
            "new_annotation_set_id": new,
            "window_role": role,
            "holdout_waiver": waiver,
        }
    )


async def outcome_of(bench: EvaluatorBench, payload: GenerateEvaluationSet | RunCafaEvaluation) -> DeadLettered | None:
    job_id = await bench.request(payload)
    async with bench.evaluator() as handler:
        outcome = await bench.deliver(handler, job_id)
    if isinstance(outcome, DeadLettered):
        return outcome
    assert (await bench.job(job_id)).status is JobStatus.SUCCEEDED
    return None


async def test_a_window_to_select_on_may_end_where_the_test_window_begins(bench: EvaluatorBench) -> None:
    _, second, third, fourth = await snapshots(bench, *DAYS)

    assert await outcome_of(bench, window(second, third, "valid")) is None
    assert await outcome_of(bench, window(third, fourth, "test")) is None
    assert sorted(str(row.window_role) for row in await bench.evaluation_sets()) == ["test", "valid"]


@pytest.mark.parametrize("roles", [("test", "valid"), ("valid", "test")])
async def test_windows_to_select_and_to_report_on_do_not_overlap(bench: EvaluatorBench, roles: tuple[str, str]) -> None:
    first, second, third, fourth = await snapshots(bench, *DAYS)
    spans = {"valid": (first, third), "test": (second, fourth)}
    assert await outcome_of(bench, window(*spans[roles[0]], roles[0])) is None

    refused = await outcome_of(bench, window(*spans[roles[1]], roles[1], WAIVER))

    assert refused is not None
    assert refused.error_code == "TemporalProtocolError"
    assert "2017-01-01" in refused.reason
    assert len(await bench.evaluation_sets()) == 1


async def test_a_window_does_not_run_backwards(bench: EvaluatorBench) -> None:
    first, second = await snapshots(bench, *DAYS[:2])

    refused = await outcome_of(bench, window(second, first, "test"))

    assert refused is not None
    assert refused.error_code == "TemporalProtocolError"


@pytest.mark.parametrize("days", [(None, DAYS[1]), (DAYS[0], None)])
async def test_an_unknown_date_fails_closed_unless_it_is_waived(
    bench: EvaluatorBench, days: tuple[date | None, date | None]
) -> None:
    old, new = await snapshots(bench, *days)

    refused = await outcome_of(bench, window(old, new, "test"))
    assert refused is not None
    assert refused.error_code == "UnknownDatesError"
    assert "holdout_waiver" in refused.reason

    assert await outcome_of(bench, window(old, new, "test", WAIVER)) is None
    (stored,) = await bench.evaluation_sets()
    assert stored.holdout_waiver == WAIVER


async def test_nothing_is_selected_on_a_test_window(bench: EvaluatorBench) -> None:
    old, new = await snapshots(bench, *DAYS[:2])
    assert await outcome_of(bench, window(old, new, "test")) is None
    (stored,) = await bench.evaluation_sets()
    predictions = await bench.insert_predictions(old, [("P1", KINASE, 0.9)])

    def measured(purpose: str) -> RunCafaEvaluation:
        return RunCafaEvaluation.model_validate(
            {"evaluation_set_id": stored.id, "prediction_set_id": predictions, "purpose": purpose}
        )

    refused = await outcome_of(bench, measured("select"))
    assert refused is not None
    assert refused.error_code == "TemporalProtocolError"
    assert await bench.results() == []

    assert await outcome_of(bench, measured("report")) is None
    (result,) = await bench.results()
    assert (result.evaluator["purpose"], result.evaluator["window_role"]) == ("report", "test")
