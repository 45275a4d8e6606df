"""What must hold when everything has come to rest."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import urlsplit

import httpx

from support.faults.load import Accepted
from support.faults.observer import Observer

__all__ = ["STRAYS", "jobs_ended_twice", "jobs_lost", "open_work", "unacknowledged_messages", "until_zero"]

_OPEN_WORK = """
    SELECT (SELECT count(*) FROM job WHERE status IN ('QUEUED', 'RUNNING'))
         + (SELECT count(*) FROM job_batch WHERE status IN ('PENDING', 'RUNNING'))
         + (SELECT count(*) FROM outbox_event WHERE sent_at IS NULL)
"""

_NOT_SUCCEEDED = """
    SELECT wanted.id, job.status::text, job.error_code, job.error_message
    FROM unnest($1::uuid[]) AS wanted (id) LEFT JOIN job ON job.id = wanted.id
    WHERE job.status IS DISTINCT FROM 'SUCCEEDED'
    UNION ALL
    SELECT id, status::text, error_code, error_message FROM job WHERE status <> 'SUCCEEDED' AND NOT id = ANY($1::uuid[])
"""

_ENDED_TWICE = """
    SELECT 'timeline ' || job_id || ': ' || count(*) || ' ends' FROM job_event
    WHERE event IN ('job.succeeded', 'job.failed', 'job.cancelled') GROUP BY job_id HAVING count(*) > 1
    UNION ALL
    SELECT 'events ' || subject || ': ' || count(*) || ' ends' FROM outbox_event
    WHERE routing_key IN ('job.succeeded', 'job.failed', 'job.cancelled') GROUP BY subject HAVING count(*) > 1
    UNION ALL
    SELECT 'batch ' || (body ->> 'batch_index') || ' of ' || subject || ': done ' || count(*) || ' times'
    FROM outbox_event WHERE routing_key LIKE '%.batch.done'
    GROUP BY routing_key, subject, body ->> 'batch_index' HAVING count(*) > 1
    UNION ALL
    SELECT 'results of evaluation ' || job_id || ': ' || count(*)
    FROM evaluation_result GROUP BY job_id HAVING count(*) > 1
"""

STRAYS: Mapping[str, str] = {
    "batches that are not done": "SELECT count(*) FROM job_batch WHERE status <> 'DONE'",
    "jobs whose progress is not their batches'": """
        SELECT count(*) FROM job JOIN (SELECT job_id, count(*) AS batches FROM job_batch GROUP BY 1) cut
        ON cut.job_id = job.id WHERE (progress_current, progress_total) IS DISTINCT FROM (batches, batches)
    """,
    "prediction sets without a job that succeeded": """
        SELECT count(*) FROM prediction_set LEFT JOIN job ON job.id = job_id
        WHERE job.status IS DISTINCT FROM 'SUCCEEDED' OR prediction_set.status <> 'COMPLETE'
    """,
    "evaluation results without a job that succeeded": """
        SELECT count(*) FROM evaluation_result LEFT JOIN job ON job.id = job_id
        WHERE job.status IS DISTINCT FROM 'SUCCEEDED'
    """,
    "pipelines whose steps did not all succeed": """
        SELECT count(*) FROM job step JOIN job pipeline ON pipeline.id = step.parent_job_id
        WHERE step.status <> pipeline.status
    """,
    "dead letters": "SELECT count(*) FROM dead_letter",
}
"""Rows that must not be there, and the statement that counts them."""


async def open_work(observer: Observer) -> int:
    """Count jobs and batches that have not ended, and events that were not sent."""
    return await observer.count(_OPEN_WORK)


async def unacknowledged_messages(amqp_url: str, management_url: str) -> int:
    """Count messages in any queue, waiting or being handled."""
    address = urlsplit(amqp_url)
    credentials = (address.username or "guest", address.password or "guest")
    async with httpx.AsyncClient(auth=credentials, timeout=10) as client:
        answer = await client.get(f"{management_url}/api/queues", params={"disable_stats": "false"})
        answer.raise_for_status()
        return sum(int(queue.get("messages", 0)) for queue in answer.json())


async def until_zero(count: Callable[[], Awaitable[int]], *, what: str, seconds: float) -> None:
    """Wait until nothing is left."""
    left = -1
    try:
        async with asyncio.timeout(seconds):
            while left := await count():
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"{left} {what} left after {seconds:g} s") from None


async def jobs_lost(observer: Observer, accepted: Accepted) -> list[str]:
    """Name the accepted jobs, and the others in the database, that did not succeed."""
    return [str(tuple(row)) for row in await observer.fetch(_NOT_SUCCEEDED, accepted.ids)]


async def jobs_ended_twice(observer: Observer) -> Sequence[str]:
    """Name what happened more often than once."""
    return [str(row[0]) for row in await observer.fetch(_ENDED_TWICE)]
