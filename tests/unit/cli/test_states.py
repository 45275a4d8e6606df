"""Where things stand, from the answers of the API."""

from __future__ import annotations

from typing import Any

import pytest

from protea_cli.states import AnnotationState, JobState, Progress

JOB: dict[str, Any] = {
    "status": "running",
    "progress_current": 5,
    "progress_total": 20,
    "result": None,
    "error_code": None,
    "error_message": None,
}

ANNOTATION: dict[str, Any] = {
    "job_id": "7",
    "status": "RUNNING",
    "stage": "embedding the sequences",
    "progress": {"current": 1, "total": 2, "fraction": 0.25},
    "prediction_set_id": None,
    "links": {"predictions_tsv": "/v1/x.tsv"},
    "error": None,
}


def test_a_running_job_has_a_share_done() -> None:
    state = JobState.read(JOB)

    assert state.progress == Progress(5, 20, 0.25)
    assert not state.is_over


@pytest.mark.parametrize(("current", "total"), [(None, None), (5, None), (0, 0)])
def test_without_a_total_there_is_no_share(current: int | None, total: int | None) -> None:
    assert Progress.of(current, total).fraction is None


@pytest.mark.parametrize(("status", "succeeded"), [("SUCCEEDED", True), ("failed", False), ("CANCELLED", False)])
def test_a_final_status_ends_it_in_either_case_of_letters(status: str, *, succeeded: bool) -> None:
    state = JobState.read(JOB | {"status": status})

    assert state.is_over
    assert state.has_succeeded is succeeded


def test_an_annotation_is_read_with_its_links() -> None:
    state = AnnotationState.read(ANNOTATION)

    assert state.progress == Progress(1, 2, 0.25)
    assert state.links == {"predictions_tsv": "/v1/x.tsv"}
    assert state.error is None


@pytest.mark.parametrize(
    ("error", "told"),
    [({"code": "X", "message": "no neighbour"}, "no neighbour"), ({"code": "X", "message": None}, "X")],
)
def test_a_failed_annotation_says_why(error: dict[str, str | None], told: str) -> None:
    state = AnnotationState.read(ANNOTATION | {"status": "FAILED", "error": error})

    assert state.error == told
    assert state.is_over
    assert not state.has_succeeded
