"""Calibrations: fitted on a window that is for choosing, applied to predictions made alike, refused otherwise."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from sqlalchemy import insert, literal, select, update

from protea_common.db import session_scope
from protea_common.domain.scoring import PRESETS
from protea_common.messaging.bus import Acknowledged, DeadLettered
from protea_common.operations import FitCalibration, PredictGoTerms, RescorePredictions
from protea_common.orm import CalibrationModel, EvaluationSet, Job, JobStatus, Protein, QuerySetEntry
from protea_common.runtime import Platform
from protea_predictor.adapters.storage import CalibrationStore, TooManyPredictionsError
from protea_predictor.domain.calibration import Calibration
from protea_predictor.domain.isotonic import Curve
from protea_predictor.domain.reliability import expected_calibration_error
from support.predictor_bench import A, Annotation, B, C
from support.training_bench import AwayArtifactStore, Circle, TrainingBench, open_training_bench

OPERATION = "fit_calibration"
SELECTED = tuple(f"P{number:04d}" for number in range(240, 300))
"""Proteins of the selection window."""

TRUE: dict[str, str] = {name: B if number % 3 else C for number, name in enumerate(SELECTED)}
"""What they gained here: whatever the neighbours say, B twice in three, so that scores promise too much."""

GAINED: list[Annotation] = [(name, term, "IDA", None) for name, term in TRUE.items()]


@dataclass(frozen=True, slots=True)
class Fitting:
    """Predictions for the proteins of a window, and the window."""

    circle: Circle
    window: UUID
    predictions: UUID

    @property
    def request(self) -> PredictGoTerms:
        """What the predictions were asked for by."""
        return self.circle.request

    def payload(self, **changes: Any) -> FitCalibration:
        """Ask for a calibration."""
        fields = {"evaluation_set_id": self.window, "prediction_set_id": self.predictions}
        return FitCalibration.model_validate(fields | changes)


@pytest.fixture
async def bench(platform: Platform) -> AsyncIterator[TrainingBench]:
    async with open_training_bench(platform) as bench:
        yield bench


@pytest.fixture
async def fitting(bench: TrainingBench) -> Fitting:
    circle = await bench.circle()
    asked_about = (
        select(literal(circle.request.query_set_id), Protein.accession, Protein.sequence_id)
        .where(Protein.accession.in_(SELECTED))
        .order_by(Protein.accession)
    )
    async with bench.world() as world:
        await world.session.execute(
            insert(QuerySetEntry).from_select(["query_set_id", "accession", "sequence_id"], asked_about)
        )
    window = await made_window(bench, circle)
    return Fitting(circle, window, await predicted(bench, circle.request))


async def made_window(bench: TrainingBench, circle: Circle) -> UUID:
    """Write the window of 2017 to 2018 anew, with what `TRUE` says; the others go."""
    await bench.execute("DELETE FROM evaluation_set")
    new = await bench.scalar("SELECT id FROM annotation_set WHERE source_version = '2018'")
    return await bench.window(circle.request.annotation_set_id, new, gained=GAINED, role="valid")


async def predicted(bench: TrainingBench, request: PredictGoTerms, **changes: Any) -> UUID:
    job = await bench.run(request, **changes)
    assert job.status is JobStatus.SUCCEEDED, job.error_message
    return (await bench.prediction_set(job.id)).id


async def fitted(bench: TrainingBench, fitting: Fitting) -> UUID:
    job = await bench.do(fitting.payload(), OPERATION)
    assert job.result is not None, job.error_message
    return UUID(job.result["calibration_id"])


async def calibrations(bench: TrainingBench) -> list[CalibrationModel]:
    async with session_scope(bench.platform.session_factory) as session:
        return list(await session.scalars(select(CalibrationModel)))


async def put_anew(bench: TrainingBench, calibration_id: UUID, content: bytes) -> None:
    """Write other content for a calibration, and its digest."""
    await bench.platform.artifacts.put(f"calibrations/{calibration_id}.json", content)
    async with bench.world() as world:
        await world.session.execute(update(CalibrationModel).values(content_sha256=sha256(content).hexdigest()))


async def scores(bench: TrainingBench, job: Job) -> dict[tuple[str, str], float]:
    assert job.status is JobStatus.SUCCEEDED, job.error_message
    return {(row["protein"], row["go_id"]): row["score"] for row in await bench.rows(job.id)}


def error_of(found: dict[tuple[str, str], float]) -> float:
    """Calibration error of the predictions for the window's proteins in the aspect in which they gained a term."""
    pairs = [pair for pair in found if pair[0] in TRUE and pair[1] in {A, B, C}]
    labels = [term in {A, TRUE[protein]} for protein, term in pairs]
    return expected_calibration_error(np.array([found[pair] for pair in pairs]), np.array(labels))


async def test_a_calibration_is_kept_with_what_it_is_worth(bench: TrainingBench, fitting: Fitting) -> None:
    job = await bench.do(fitting.payload(), OPERATION)

    assert job.status is JobStatus.SUCCEEDED, job.error_message
    (row,) = await calibrations(bench)
    assert job.result is not None
    assert job.result["calibration_id"] == str(row.id)
    assert (row.evaluation_set_id, row.prediction_set_id) == (fitting.window, fitting.predictions)
    content = await bench.platform.artifacts.get(f"calibrations/{row.id}.json")
    assert row.content_sha256 == sha256(content).hexdigest()
    assert set(row.metrics) == {"biological_process"}  # nobody gained a function
    measures = row.metrics["biological_process"]
    assert row.candidate_count == measures["predictions"] >= 100
    assert measures["fitted"] < 0.01 < measures["before"]
    assert measures["held_out"] < measures["before"]


async def test_predictions_become_probabilities_and_the_error_falls(bench: TrainingBench, fitting: Fitting) -> None:
    calibration_id = await fitted(bench, fitting)
    content = await bench.platform.artifacts.get(f"calibrations/{calibration_id}.json")

    plain = await bench.run(fitting.request)
    job = await bench.run(fitting.request, calibration_id=calibration_id)

    raw, told = await scores(bench, plain), await scores(bench, job)
    curve = Calibration.from_json(json.loads(content)).curves["nk-bpo"]
    for pair, score in told.items():
        expected = curve(np.array([raw[pair]]))[0] if pair[1] in {A, B, C} else raw[pair]
        assert score == pytest.approx(expected, abs=1e-6)
    assert error_of(told) < 0.01 < error_of(raw)
    for (protein, term), score in told.items():
        assert term not in {B, C} or told[protein, A] >= score
    (row,) = await calibrations(bench)
    receipt = (await bench.prediction_set(job.id)).meta
    assert receipt["calibration"] == {
        "id": str(calibration_id),
        "content_sha256": row.content_sha256,
        "evaluation_set_id": str(fitting.window),
    }


async def test_a_protein_has_the_curve_of_what_is_known_of_it(bench: TrainingBench, fitting: Fitting) -> None:
    calibration_id = await fitted(bench, fitting)
    levels = {"nk-bpo": 0.25, "pk-bpo": 0.75}
    curves = {cell: Curve(np.zeros(1), np.array([level])) for cell, level in levels.items()}
    await put_anew(bench, calibration_id, json.dumps(Calibration(curves).as_json()).encode())
    async with bench.world() as world:
        await world.annotate(fitting.request, [(SELECTED[0], C, "IDA", None)])

    told = await scores(bench, await bench.run(fitting.request, calibration_id=calibration_id))

    assert told[SELECTED[0], A] == pytest.approx(levels["pk-bpo"])
    assert told[SELECTED[1], A] == pytest.approx(levels["nk-bpo"])


async def test_terms_below_the_abstain_level_are_not_stored(bench: TrainingBench, fitting: Fitting) -> None:
    calibration_id = await fitted(bench, fitting)
    every = await bench.run(fitting.request, calibration_id=calibration_id)
    likely = await bench.run(fitting.request, calibration_id=calibration_id, abstain_below=0.5)
    plain = await bench.run(fitting.request, abstain_below=0.5)

    told, said = await scores(bench, every), await scores(bench, likely)
    assert said == {pair: score for pair, score in told.items() if score >= 0.5}
    assert 0 < len(said) < len(told)
    assert min((await scores(bench, plain)).values()) >= 0.5
    assert (await bench.prediction_set(likely.id)).meta["abstain_below"] == 0.5
    assert likely.result is not None
    assert likely.result["predictions"] == len(said)


async def test_a_rescored_set_is_learnt_from_like_one_predicted_so(bench: TrainingBench, fitting: Fitting) -> None:
    recipe = PRESETS["evidence_primary"].id
    asked = RescorePredictions(prediction_set_id=fitting.predictions, scoring_config_ids=(recipe,))
    job = await bench.do(asked, "rescore_predictions")
    assert job.result is not None, job.error_message
    direct = await predicted(bench, fitting.request, scoring_config_id=recipe)

    for prediction_set_id in (UUID(job.result["prediction_set_ids"][0]), direct):
        fit = await bench.do(fitting.payload(prediction_set_id=prediction_set_id), OPERATION)
        assert fit.status is JobStatus.SUCCEEDED, fit.error_message

    first, second = await calibrations(bench)
    assert (first.content_sha256, first.method) == (second.content_sha256, second.method)
    applied = await bench.run(fitting.request, scoring_config_id=recipe, calibration_id=first.id)
    assert applied.status is JobStatus.SUCCEEDED, applied.error_message


async def test_a_second_delivery_changes_nothing(bench: TrainingBench, fitting: Fitting) -> None:
    job_id = await bench.submit_training(fitting.payload(), OPERATION)
    (message,) = await bench.take_messages(job_id)

    outcomes = [await bench.deliver(message), await bench.deliver(message)]

    assert outcomes == [Acknowledged(), Acknowledged()]
    assert len(await calibrations(bench)) == 1


@pytest.mark.parametrize(
    ("role", "error_code"), [("test", "TemporalProtocolError"), (None, "UnknownDatesError"), ("valid", None)]
)
async def test_only_a_window_for_choosing_is_learnt_from(
    bench: TrainingBench, fitting: Fitting, role: str | None, error_code: str | None
) -> None:
    async with bench.world() as world:
        await world.session.execute(update(EvaluationSet).values(window_role=role))

    job = await bench.do(fitting.payload(), OPERATION)

    assert job.error_code == error_code
    assert len(await calibrations(bench)) == (error_code is None)


async def test_a_waiver_is_no_help_on_a_test_window_and_kept_for_an_unknown_one(
    bench: TrainingBench, fitting: Fitting
) -> None:
    waived = fitting.payload(temporal_waiver="nobody reports on this window")
    await bench.execute("UPDATE evaluation_set SET window_role = 'test'")
    refused = await bench.do(waived, OPERATION)
    await bench.execute("UPDATE evaluation_set SET window_role = NULL")
    allowed = await bench.do(waived, OPERATION)

    assert (refused.error_code, allowed.status) == ("TemporalProtocolError", JobStatus.SUCCEEDED)
    assert await bench.scalar("SELECT message FROM job_event WHERE event = 'temporal_protocol.waived'") == (
        "nobody reports on this window"
    )


async def test_predictions_that_say_nothing_about_plain_scores_are_refused(
    bench: TrainingBench, fitting: Fitting
) -> None:
    calibration_id = await fitted(bench, fitting)
    later = await bench.scalar("SELECT id FROM annotation_set WHERE source_version = '2018'")
    changes: list[tuple[dict[str, Any], str]] = [
        ({"calibration_id": calibration_id}, "calibrated already"),
        ({"abstain_below": 0.3}, "leaves low scores out"),
        ({"annotation_set_id": later}, "older annotation set"),
    ]
    for change, says in changes:
        predictions = await predicted(bench, fitting.request, **change)
        job_id = await bench.submit_training(fitting.payload(prediction_set_id=predictions), OPERATION)
        (message,) = await bench.take_messages(job_id)

        outcome = await bench.deliver(message)

        assert isinstance(outcome, DeadLettered)
        assert outcome.error_code == "UnfitPredictionsError"
        assert says in ((await bench.job(job_id)).error_message or "")


async def test_what_is_missing_or_too_small_fails_the_job(bench: TrainingBench, fitting: Fitting) -> None:
    missing = await bench.do(fitting.payload(prediction_set_id=uuid4()), OPERATION)
    await bench.execute("DELETE FROM go_prediction WHERE protein_accession >= 'P0250' AND protein_accession <= 'P0299'")
    too_few = await bench.do(fitting.payload(), OPERATION)

    assert missing.error_code == "NotFoundError"
    assert too_few.error_code == "InvalidCalibrationError"


async def test_more_predictions_than_allowed_are_not_read(bench: TrainingBench, fitting: Fitting) -> None:
    async with session_scope(bench.platform.session_factory) as session:
        store = CalibrationStore(session)
        allowed = await store.scored(fitting.predictions, SELECTED, max_rows=1_000)
        n_rows = len(allowed.scores)
        with pytest.raises(TooManyPredictionsError, match=f"{n_rows} predictions"):
            await store.scored(fitting.predictions, SELECTED, max_rows=n_rows - 1)


@pytest.mark.parametrize("change", [{"limit_per_entry": 3}, {"expand_votes_to_ancestors": False}])
async def test_scores_that_come_about_otherwise_are_not_calibrated(
    bench: TrainingBench, fitting: Fitting, change: dict[str, Any]
) -> None:
    calibration_id = await fitted(bench, fitting)

    job = await bench.run(fitting.request, calibration_id=calibration_id, **change)

    assert (job.status, job.error_code) == (JobStatus.FAILED, "CalibrationMismatchError")
    assert next(iter(change)) in (job.error_message or "")


@pytest.mark.parametrize(
    ("content", "error_code"), [(b"{}", "CalibrationDamagedError"), (None, "InvalidCalibrationError")]
)
async def test_a_file_that_is_none_is_refused(
    bench: TrainingBench, fitting: Fitting, content: bytes | None, error_code: str
) -> None:
    calibration_id = await fitted(bench, fitting)
    if content is None:
        await put_anew(bench, calibration_id, b"no JSON")
    else:
        await bench.platform.artifacts.put(f"calibrations/{calibration_id}.json", content)

    job = await bench.run(fitting.request, calibration_id=calibration_id)

    assert (job.status, job.error_code) == (JobStatus.FAILED, error_code)


async def test_an_artifact_store_that_is_away_is_tried_again(
    platform: Platform, bench: TrainingBench, fitting: Fitting
) -> None:
    job_id = await bench.submit_training(fitting.payload(), OPERATION)
    (message,) = await bench.take_messages(job_id)
    away = AwayArtifactStore(platform.settings.storage_root or platform.settings.artifacts_dir)
    async with open_training_bench(replace(platform, artifacts=away)) as elsewhere:
        await elsewhere.deliver(message)
    assert (await bench.job(job_id)).status is JobStatus.QUEUED

    await bench.deliver_all(job_id)

    assert (await bench.job(job_id)).status is JobStatus.SUCCEEDED
