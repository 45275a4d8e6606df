"""Exporting a dataset: rows, files, the manifest and the row that names them; and what is refused."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pyarrow.parquet as pq
import pytest

from protea_common.orm import JobStatus
from protea_common.runtime import Platform
from support.training_bench import TrainingBench, open_training_bench

OPERATION = "export_research_dataset"


@pytest.fixture
async def bench(platform: Platform) -> AsyncIterator[TrainingBench]:
    async with open_training_bench(platform) as bench:
        yield bench


async def table(bench: TrainingBench, file: str) -> Any:
    return pq.read_table(io.BytesIO(await bench.platform.artifacts.get(f"datasets/circle/{file}")))


async def test_a_dataset_is_files_and_a_row_that_names_them(bench: TrainingBench) -> None:
    circle = await bench.circle()

    job = await bench.do(circle.export(), OPERATION)

    assert job.status is JobStatus.SUCCEEDED, job.error_message
    (row,) = await bench.datasets()
    manifest_bytes = await bench.platform.artifacts.get("datasets/circle/manifest.json")
    manifest = json.loads(manifest_bytes)
    train = await table(bench, "train.parquet")
    assert row.manifest_sha == sha256(manifest_bytes).hexdigest()
    assert (row.n_train_rows, manifest["rows"]["train"]) == (train.num_rows, train.num_rows)
    assert manifest["schema_version"] == 2
    assert manifest["columns"] == train.column_names
    assert row.train_snapshot_pairs == ["v2015-v2016"]
    assert row.eval_snapshot_pair == "v2017-v2018"
    for file in manifest["files"]:
        content = await bench.platform.artifacts.get(f"datasets/circle/{file['name']}")
        assert (sha256(content).hexdigest(), len(content)) == (file["sha256"], file["size_bytes"])
    assert (job.progress_current, job.progress_total) == (150, 150)
