"""Training on a dataset: the booster's files, its row, and what the temporal protocol refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest

from protea_common.messaging.bus import Acknowledged, DeadLettered
from protea_common.orm import JobStatus
from protea_common.runtime import Platform
from support.training_bench import AwayArtifactStore, TrainingBench, open_training_bench, small_training

OPERATION = "train_reranker"


@pytest.fixture
async def bench(platform: Platform) -> AsyncIterator[TrainingBench]:
    async with open_training_bench(platform) as bench:
        yield bench


async def test_a_reranker_is_a_booster_a_spec_and_a_row(bench: TrainingBench) -> None:
    dataset_id = await bench.dataset(await bench.circle())

    job = await bench.do(small_training(dataset_id), OPERATION)

    assert job.status is JobStatus.SUCCEEDED, job.error_message
    (row,) = await bench.rerankers()
    (dataset,) = await bench.datasets()
    folder = f"rerankers/{row.id}"
    text = await bench.platform.artifacts.get(f"{folder}/model.txt")
    assert row.metrics["model_sha256"] == sha256(text).hexdigest()
    assert row.artifact_uri == bench.platform.artifacts.url(f"{folder}/model.txt")
    assert row.spec_yaml == (await bench.platform.artifacts.get(f"{folder}/spec.yaml")).decode()
    assert (row.dataset_id, row.category, row.aspect) == (dataset.id, "nk", None)
    assert sum(row.feature_importance.values()) == pytest.approx(1.0)
    assert row.metrics["selection_cells"]["nk-bpo"]["fmax"] > 0.8
    assert set(row.metrics["selection_cells"]) == {"nk-bpo", "nk-mfo"}


async def test_the_same_seed_gives_the_same_booster_and_a_second_delivery_nothing(bench: TrainingBench) -> None:
    dataset_id = await bench.dataset(await bench.circle())
    job_id = await bench.submit_training(small_training(dataset_id), OPERATION)
    (message,) = await bench.take_messages(job_id)

    outcomes = [await bench.deliver(message), await bench.deliver(message)]
    await bench.reranker(dataset_id, name="again")

    assert outcomes == [Acknowledged(), Acknowledged()]
    first, second = await bench.rerankers()
    assert first.metrics["model_sha256"] == second.metrics["model_sha256"]


async def test_a_ranking_booster_scores_in_the_unit_interval(bench: TrainingBench) -> None:
    circle = await bench.circle()
    reranker = await bench.reranker(await bench.dataset(circle), objective="lambdarank")

    job = await bench.run(circle.request, reranker_model_ids=(reranker,))

    assert all(0 < row["score"] <= 1 for row in await bench.rows(job.id))


@pytest.mark.parametrize(
    ("changes", "error_code"),
    [
        ({"category": "pk"}, "TrainingDataError"),
        ({"dropped_columns": ["no_such_feature"]}, "UnknownFeatureError"),
        ({"dataset_id": str(uuid4())}, "NotFoundError"),
    ],
)
async def test_what_cannot_be_trained_fails_for_good(
    bench: TrainingBench, changes: dict[str, Any], error_code: str
) -> None:
    dataset_id = await bench.dataset(await bench.circle())
    job_id = await bench.submit_training(small_training(dataset_id, **changes), OPERATION)
    (message,) = await bench.take_messages(job_id)

    outcome = await bench.deliver(message)

    assert isinstance(outcome, DeadLettered)
    assert outcome.error_code == error_code
    assert await bench.rerankers() == []


async def test_a_dataset_without_a_selection_window_is_refused(bench: TrainingBench) -> None:
    dataset_id = await bench.dataset(await bench.circle(), selection_evaluation_set_id=None)

    job = await bench.do(small_training(dataset_id), OPERATION)

    assert (job.status, job.error_code) == (JobStatus.FAILED, "NoSelectionWindowError")


async def test_a_window_that_became_a_test_window_is_refused(bench: TrainingBench) -> None:
    circle = await bench.circle()
    dataset_id = await bench.dataset(circle)
    await bench.execute("UPDATE evaluation_set SET window_role = 'test'")

    job = await bench.do(small_training(dataset_id, temporal_waiver="nobody will ever look"), OPERATION)

    assert (job.status, job.error_code) == (JobStatus.FAILED, "TemporalProtocolError")


@pytest.mark.parametrize("file", ["manifest.json", "train.parquet", "eval.parquet"])
async def test_a_file_that_was_changed_is_refused(bench: TrainingBench, file: str) -> None:
    dataset_id = await bench.dataset(await bench.circle())
    key = f"datasets/circle/{file}"
    await bench.platform.artifacts.put(key, await bench.platform.artifacts.get(key) + b" ")

    job = await bench.do(small_training(dataset_id), OPERATION)

    assert (job.status, job.error_code) == (JobStatus.FAILED, "DatasetDamagedError")


async def test_an_artifact_store_that_is_away_is_tried_again(platform: Platform, bench: TrainingBench) -> None:
    dataset_id = await bench.dataset(await bench.circle())
    job_id = await bench.submit_training(small_training(dataset_id), OPERATION)
    (message,) = await bench.take_messages(job_id)
    away = AwayArtifactStore(platform.settings.storage_root or platform.settings.artifacts_dir)
    async with open_training_bench(replace(platform, artifacts=away)) as elsewhere:
        await elsewhere.deliver(message)
    assert (await bench.job(job_id)).status is JobStatus.QUEUED

    await bench.deliver_all(job_id)

    assert (await bench.job(job_id)).status is JobStatus.SUCCEEDED
