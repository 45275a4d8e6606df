"""Jobs that are done once: one that succeeded before with the same parameters is not done again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from protea_cli.client import ProteaClient
from protea_cli.errors import ApiError
from protea_cli.jobs import follow_job
from protea_cli.progress import Steps
from protea_common.operations import dedup_key, get_operation

__all__ = ["Done", "Task", "TaskRunner"]

_PRODUCTS: Final = {
    "load_ontology_snapshot": "/v1/annotations/snapshots/{ontology_snapshot_id}",
    "load_goa_annotations": "/v1/annotations/sets/{annotation_set_id}",
    "fit_kmer_encoder": "/v1/embeddings/configs/{embedding_config_id}",
    "generate_evaluation_set": "/v1/annotations/evaluation-sets/{evaluation_set_id}",
    "predict_go_terms": "/v1/embeddings/prediction-sets/{prediction_set_id}",
    "predict_baseline": "/v1/embeddings/prediction-sets/{prediction_set_id}",
    "run_cafa_evaluation": "/v1/annotations/evaluation-sets/{evaluation_set_id}/results/{evaluation_result_id}",
    "export_research_dataset": "/v1/datasets/{dataset_id}",
    "train_reranker": "/v1/reranker-models/{reranker_model_id}",
}
"""Where the rows are that a job's result names: without them, having done the job is worth nothing."""

_LISTED_PRODUCTS: Final = {"rescore_predictions": ("prediction_set_ids", "/v1/embeddings/prediction-sets/{}")}
"""The same for results that name several rows: the field that lists them, and where each is."""

_ALWAYS: Final = frozenset({"compute_embeddings"})
"""What was added since the last time is missing otherwise; these leave alone what is there already."""


@dataclass(frozen=True, slots=True)
class Task:
    """A job that is wanted."""

    title: str
    operation: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """A job that has succeeded.

    Attributes
    ----------
    was_there
        Whether it had before.
    """

    job_id: str
    result: Mapping[str, Any]
    was_there: bool


@dataclass(slots=True)
class TaskRunner:
    """Does tasks on a server, with a line for each.

    Attributes
    ----------
    afresh
        Operations that are done again whatever was there.
    done
        All that was done or found so far.
    """

    client: ProteaClient
    steps: Steps
    afresh: frozenset[str] = frozenset()
    done: list[Done] = field(default_factory=list)

    async def do(self, task: Task) -> Done:
        """Do one task."""
        return (await self.do_all([task]))[0]

    async def do_all(self, tasks: Sequence[Task]) -> list[Done]:
        """Ask for all that is missing, then wait for each in turn; give what came of them, in order.

        Raises
        ------
        JobEndedError
            If one fails or is cancelled; those that are done are found the next time.
        """
        begun = [await self._begin(task) for task in tasks]
        ended = [await self._end(task, started) for task, started in zip(tasks, begun, strict=True)]
        self.done += ended
        return ended

    async def _begin(self, task: Task) -> Done | str:
        """Find what was done before, or ask for the job and give its id."""
        payload = get_operation(task.operation).payload.read(task.payload, operation=task.operation)
        body = payload.model_dump(mode="json")
        if task.operation not in self.afresh | _ALWAYS:
            found = await self._find(task.operation, dedup_key(task.operation, body))
            if found is not None:
                return found
        return await self.client.submit(task.operation, body)

    async def _find(self, operation: str, key: str) -> Done | None:
        wanted = {"operation": operation, "status": "SUCCEEDED", "dedup_key": key, "limit": "1"}
        for summary in await self.client.get("/v1/jobs", **wanted):
            job = await self.client.get(f"/v1/jobs/{summary['id']}")
            result: Mapping[str, Any] = job["result"] or {}
            if await self._is_there(operation, result):
                return Done(str(job["id"]), result, was_there=True)
        return None

    async def _is_there(self, operation: str, result: Mapping[str, Any]) -> bool:
        try:
            for address in _addresses(operation, result):
                await self.client.get(address)
        except ApiError as exc:
            if exc.answer_status != HTTPStatus.NOT_FOUND:
                raise
            return False
        return True

    async def _end(self, task: Task, begun: Done | str) -> Done:
        with self.steps.step(task.title) as step:
            if isinstance(begun, Done):
                step.tell("there already")
                return begun
            result = await follow_job(self.client, task.operation, begun, step)
        return Done(begun, result, was_there=False)


def _addresses(operation: str, result: Mapping[str, Any]) -> list[str]:
    """Say where the rows are that a job's result names; none is no matter."""
    if operation in _LISTED_PRODUCTS:
        name, address = _LISTED_PRODUCTS[operation]
        return [address.format(each) for each in result[name]]
    return [_PRODUCTS[operation].format(**result)] if operation in _PRODUCTS else []
