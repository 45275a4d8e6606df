"""Where reused vectors come from: links from the trace of the job that uses them to those that computed them."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from opentelemetry import trace
from sqlalchemy import BigInteger, Select, cast, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import BatchStatus, Job, JobBatch
from protea_common.telemetry import extract_trace_context

__all__ = ["MOST_ORIGINS", "link_vector_origins"]

MOST_ORIGINS: Final = 20
"""Newest jobs of the recipe that are looked at: more would make a trace's page unreadable, and the search slow."""


async def link_vector_origins(
    session: AsyncSession, *, embedding_config_id: UUID, job_id: UUID, sequences: Select[Any] | None = None
) -> None:
    """Link the current span to the requests whose jobs computed the vectors of a recipe; nothing while not traced.

    Parameters
    ----------
    session
        To look for them, among the newest `MOST_ORIGINS` jobs of the recipe.
    embedding_config_id
        The recipe.
    job_id
        The job that uses the vectors; it is no origin of its own.
    sequences
        Ids of the sequences whose vectors are used; ``None`` for all of the recipe's.
    """
    span = trace.get_current_span()
    if not span.is_recording():
        return
    for row in await session.execute(_origins(embedding_config_id, job_id, sequences)):
        origin = trace.get_current_span(extract_trace_context({"traceparent": row.traceparent})).get_span_context()
        if origin.is_valid:
            span.add_link(origin, {"protea.job.id": str(row.id), "protea.link": "computed the vectors used here"})


def _origins(embedding_config_id: UUID, job_id: UUID, sequences: Select[Any] | None) -> Select[UUID, str | None]:
    newest = (
        select(Job.id, Job.traceparent)
        .where(
            Job.operation == "compute_embeddings",
            Job.payload["embedding_config_id"].astext == str(embedding_config_id),
            Job.traceparent.is_not(None),
            Job.id != job_id,
        )
        .order_by(Job.created_at.desc())
        .limit(MOST_ORIGINS)
        .subquery()
    )
    done = exists().where(JobBatch.job_id == newest.c.id, JobBatch.status == BatchStatus.DONE)
    if sequences is not None:
        computed = func.jsonb_array_elements_text(JobBatch.payload["sequence_ids"]).table_valued("value")
        used = sequences.subquery()
        done = done.where(
            select(1).select_from(computed).join(used, used.c[0] == cast(computed.c.value, BigInteger)).exists()
        )
    return select(newest.c.id, newest.c.traceparent).where(done)
