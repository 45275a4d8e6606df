"""The span of a job or a batch while its use case runs, inside the span of the message that brought it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from opentelemetry.context import attach, detach

from protea_common.jobs.claim import BatchClaim, JobClaim
from protea_common.telemetry import extract_trace_context, work_span

__all__ = ["run_traced"]

Claim = TypeVar("Claim", JobClaim, BatchClaim)


@contextmanager
def _own_trace(claim: JobClaim | BatchClaim) -> Iterator[None]:
    """Leave the message's trace for the job's own, where the message had asked for another job's batch."""
    if not isinstance(claim, BatchClaim) or claim.traceparent is None:
        yield
        return
    token = attach(extract_trace_context({"traceparent": claim.traceparent}))
    try:
        yield
    finally:
        detach(token)


async def run_traced(use_case: Callable[[Claim], Awaitable[None]], claim: Claim) -> None:
    """Run the work of a claim under a span that names job, batch, attempt and fencing token."""
    attributes: dict[str, str | int] = {
        "protea.job.id": str(claim.job_id),
        "protea.operation": claim.operation,
        "protea.attempt": claim.attempt,
        "protea.lease.token": claim.token,
    }
    work = claim.operation
    if isinstance(claim, BatchClaim):
        work = claim.kind
        attributes["protea.batch.index"] = claim.batch_index
    with _own_trace(claim), work_span(f"run {work}", attributes):
        await use_case(claim)
