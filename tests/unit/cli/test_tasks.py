"""Jobs that are done once, against a server that answers from a table of jobs."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
from rich.console import Console

from protea_cli.client import ProteaClient
from protea_cli.errors import ApiError, JobEndedError
from protea_cli.progress import Steps
from protea_cli.tasks import Task, TaskRunner
from protea_common.operations import OPERATIONS, dedup_key

WINDOW = {"old_annotation_set_id": str(UUID(int=1)), "new_annotation_set_id": str(UUID(int=2))}
TASK = Task("Finding what was learned", "generate_evaluation_set", WINDOW)
SET = str(UUID(int=7))


def key_of(task: Task) -> str:
    payload = OPERATIONS[task.operation].payload.read(task.payload, operation=task.operation)
    return dedup_key(task.operation, payload.model_dump(mode="json"))


@dataclass
class Server:
    """Jobs by id, and what is there beside them.

    Attributes
    ----------
    ends
        Status that a submitted job has.
    submitted
        Operations that were asked for.
    """

    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    products: set[str] = field(default_factory=set)
    active: str | None = None
    ends: str = "SUCCEEDED"
    submitted: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method == "POST":
            return self._submit(json.loads(request.content))
        if path == "/v1/jobs":
            wanted = dict(request.url.params)
            found = [{"id": key} for key, job in self.jobs.items() if job["dedup_key"] == wanted["dedup_key"]]
            return httpx.Response(200, json=found if wanted["status"] == "SUCCEEDED" else [])
        if path.startswith("/v1/jobs/") and not path.endswith("/stream"):
            return httpx.Response(200, json=self.jobs[path.rpartition("/")[2]])
        return httpx.Response(200 if path in self.products else 404, json={"detail": f"There is no {path}."})

    def _submit(self, body: dict[str, Any]) -> httpx.Response:
        if self.active is not None:
            return httpx.Response(409, json={"existing_job_id": self.active})
        self.submitted.append(body["operation"])
        key = f"job-{len(self.jobs)}"
        self.add(key, dedup_key(body["operation"], body["payload"]), status=self.ends)
        return httpx.Response(201, json={"id": key})

    def add(self, key: str, dedup: str, *, status: str = "SUCCEEDED") -> None:
        self.jobs[key] = {
            "id": key,
            "dedup_key": dedup,
            "status": status,
            "progress_current": None,
            "progress_total": None,
            "result": {"evaluation_set_id": SET},
            "error_message": None if status == "SUCCEEDED" else "no room",
            "error_code": None,
        }


def runner_on(server: Server, *, afresh: frozenset[str] = frozenset()) -> TaskRunner:
    client = ProteaClient("http://127.0.0.1:8000", transport=httpx.MockTransport(server))
    return TaskRunner(client, Steps(Console(file=io.StringIO())), afresh)


def with_its_rows() -> Server:
    server = Server(products={f"/v1/annotations/evaluation-sets/{SET}"})
    server.add("earlier", key_of(TASK))
    return server


async def test_what_succeeded_before_with_the_same_parameters_is_not_done_again() -> None:
    server = with_its_rows()

    done = await runner_on(server).do(TASK)

    assert (done.job_id, done.was_there, done.result["evaluation_set_id"]) == ("earlier", True, SET)
    assert server.submitted == []


async def test_other_parameters_are_another_job() -> None:
    server = with_its_rows()

    done = await runner_on(server).do(Task("", TASK.operation, {**WINDOW, "window_role": "valid"}))

    assert not done.was_there
    assert server.submitted == [TASK.operation]


async def test_a_job_whose_rows_were_deleted_is_done_again() -> None:
    server = with_its_rows()
    server.products.clear()

    done = await runner_on(server).do(TASK)

    assert not done.was_there
    assert server.submitted == [TASK.operation]


async def test_a_job_is_done_again_if_one_of_several_rows_was_deleted() -> None:
    recipes, sets = [str(UUID(int=number)) for number in (3, 4)], [str(UUID(int=number)) for number in (5, 6)]
    task = Task("", "rescore_predictions", {"prediction_set_id": SET, "scoring_config_ids": recipes})
    server = Server(products={f"/v1/embeddings/prediction-sets/{set_id}" for set_id in sets})
    server.add("earlier", key_of(task))
    server.jobs["earlier"]["result"] = {"prediction_set_ids": sets}

    assert (await runner_on(server).do(task)).was_there
    server.products.pop()
    assert not (await runner_on(server).do(task)).was_there
    assert server.submitted == [task.operation]


async def test_what_is_to_be_done_afresh_is_not_looked_for() -> None:
    server = with_its_rows()

    await runner_on(server, afresh=frozenset({TASK.operation})).do(TASK)

    assert server.submitted == [TASK.operation]


async def test_a_job_that_an_interrupted_run_began_is_joined() -> None:
    server = Server(active="under-way")
    server.add("under-way", "0" * 16)

    done = await runner_on(server).do(TASK)

    assert done.job_id == "under-way"
    assert server.submitted == []


async def test_all_that_is_missing_is_asked_for_before_the_first_is_waited_for() -> None:
    server = Server(ends="FAILED")
    others = [TASK, Task("", "ping", {"n": 1}), Task("", "ping", {"n": 2})]

    with pytest.raises(JobEndedError, match="no room"):
        await runner_on(server).do_all(others)

    assert server.submitted == [TASK.operation, "ping", "ping"]


async def test_a_server_that_cannot_say_whether_rows_are_there_is_no_reason_to_do_work_again() -> None:
    server = with_its_rows()

    def failing(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/v1/annotations"):
            return httpx.Response(503, json={"detail": "The database is away."})
        return server(request)

    client = ProteaClient("http://127.0.0.1:8000", transport=httpx.MockTransport(failing))
    with pytest.raises(ApiError, match="database is away"):
        await TaskRunner(client, Steps(Console(file=io.StringIO()))).do(TASK)

    assert server.submitted == []
