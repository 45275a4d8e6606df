"""Running a job on the server and watching it to its end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protea_cli.client import ProteaClient
from protea_cli.errors import JobEndedError
from protea_cli.following import follow
from protea_cli.progress import Step
from protea_cli.states import JobState, Progress

__all__ = ["describe_progress", "follow_job", "run_job", "run_job_named", "upload"]

_MEGABYTE = 1_000_000


async def upload(client: ProteaClient, file: Path, step: Step) -> str:
    """Send a file, with its progress in ``step``; give its name for a job's payload."""

    def show(sent: int, total: int) -> None:
        step.show(sent / total if total else None, f"sent {sent / _MEGABYTE:.1f} of {total / _MEGABYTE:.1f} MB")

    return await client.upload(file, show=show)


async def run_job(client: ProteaClient, operation: str, payload: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
    """Do a job, with its progress in ``step``; give its result.

    Raises
    ------
    JobEndedError
        If it fails or is cancelled; says why.
    """
    _, result = await run_job_named(client, operation, payload, step)
    return result


async def run_job_named(
    client: ProteaClient, operation: str, payload: Mapping[str, Any], step: Step
) -> tuple[str, Mapping[str, Any]]:
    """Do a job as `run_job` does; give its id and its result."""
    step.show(None, "waiting for a worker")
    job_id = await client.submit(operation, payload)
    return job_id, await follow_job(client, operation, job_id, step)


async def follow_job(client: ProteaClient, operation: str, job_id: str, step: Step) -> Mapping[str, Any]:
    """Watch a job to its end, with its progress in ``step``; give its result, as `run_job` does."""
    state = await follow(
        client, f"/v1/jobs/{job_id}/stream", read=lambda: client.job(job_id), show=lambda state: _show(step, state)
    )
    if not state.has_succeeded:
        reason = state.error or "no reason was given"
        raise JobEndedError(f"{operation} ended as {state.status}: {reason} (job {job_id})")
    return state.result


def _show(step: Step, state: JobState) -> None:
    step.show(state.progress.fraction, describe_progress(state.progress))


def describe_progress(progress: Progress) -> str:
    """Write the counts of a progress; nothing while there are none."""
    if progress.total is None:
        return f"{progress.current:,}" if progress.current else ""
    return f"{progress.current:,} of {progress.total:,}"
