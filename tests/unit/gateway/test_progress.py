"""How far an annotation run is."""

from __future__ import annotations

from uuid import uuid4

import pytest

from protea_common.orm import JobStatus
from protea_gateway.usecases.progress import Progress, Step, describe_stage, overall_progress


def steps(embed: JobStatus, predict: JobStatus, *, current: int | None = None, total: int | None = None) -> list[Step]:
    counts = [(current, total), (None, None)] if embed is not JobStatus.SUCCEEDED else [(4, 4), (current, total)]
    names = ("compute_embeddings", "predict_go_terms")
    return [
        Step(uuid4(), name, status, *count) for name, status, count in zip(names, (embed, predict), counts, strict=True)
    ]


def test_steps_count_alike() -> None:
    halfway = steps(JobStatus.SUCCEEDED, JobStatus.RUNNING, current=1, total=4)

    assert overall_progress(halfway) == Progress(current=1, total=4, fraction=0.625)


def test_unknown_progress_is_none_and_counts_nothing() -> None:
    assert overall_progress(steps(JobStatus.RUNNING, JobStatus.QUEUED)) == Progress(None, None, 0.0)


def test_progress_never_exceeds_the_whole() -> None:
    assert overall_progress(steps(JobStatus.RUNNING, JobStatus.QUEUED, current=9, total=4)).fraction == 0.5


@pytest.mark.parametrize(
    ("status", "embed", "predict", "stage"),
    [
        (JobStatus.RUNNING, JobStatus.QUEUED, JobStatus.QUEUED, "waiting for a worker, then embedding the sequences"),
        (JobStatus.RUNNING, JobStatus.RUNNING, JobStatus.QUEUED, "embedding the sequences"),
        (JobStatus.RUNNING, JobStatus.SUCCEEDED, JobStatus.RUNNING, "predicting GO terms"),
        (JobStatus.SUCCEEDED, JobStatus.SUCCEEDED, JobStatus.SUCCEEDED, "done"),
        (JobStatus.FAILED, JobStatus.SUCCEEDED, JobStatus.FAILED, "failed while predicting GO terms"),
        (JobStatus.CANCELLED, JobStatus.CANCELLED, JobStatus.CANCELLED, "cancelled"),
    ],
)
def test_the_stage_says_what_is_done(status: JobStatus, embed: JobStatus, predict: JobStatus, stage: str) -> None:
    assert describe_stage(status, steps(embed, predict)) == stage
