"""Training on a dataset: the booster's files, its row, and what the temporal protocol refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256

import pytest

from protea_common.orm import JobStatus
from protea_common.runtime import Platform
from support.training_bench import TrainingBench, open_training_bench, small_training

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
