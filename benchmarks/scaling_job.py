"""One run of the scaling benchmark: a job of many batches, and what the database says about it afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

import numpy as np
from scaling_worker import DIMENSION
from servers import SOURCE
from sqlalchemy import func, insert, select, text

from protea_common.db import session_scope
from protea_common.domain.sequence import compute_sequence_hash
from protea_common.jobs import NewJob, submit_job
from protea_common.operations import ComputeEmbeddings
from protea_common.orm import Job, JobBatch, JobStatus, QuerySet, QuerySetEntry
from protea_common.orm import Sequence as SequenceRow
from protea_common.runtime import Platform
from protea_embedder.adapters.storage import ConfigStore
from protea_embedder.domain.embedding_config import ConfigText, new_embedding_config
from protea_embedder.domain.recipe import EmbeddingRecipe

__all__ = ["BATCH_SEQUENCES", "Outcome", "WrongOutcomeError", "add_sequences", "run_job"]

BATCH_SEQUENCES: Final = 64

LENGTHS: Final = (60, 480)
"""Residues of a made-up sequence, fewest and most."""

JOB_SECONDS: Final = 240.0
"""Patience for one job; a run of the benchmark's own length needs some ten seconds."""

POLL_SECONDS: Final = 0.25

SHOWN: Final = ConfigText(
    display_name="stand-in", family="none", description="Waits.", licence="none", is_language_model=False
)

_VECTORS: Final = text("""
    SELECT count(*) AS vectors, count(DISTINCT sequence_id) AS sequences,
           count(*) FILTER (WHERE sequence_id <= :sequences) AS wanted,
           count(DISTINCT embedding) AS distinct_vectors
    FROM sequence_embedding WHERE embedding_config_id = :config_id AND embedding_dim = :dimension
""")

_ANNOUNCED: Final = text("""
    SELECT count(*) AS events, count(DISTINCT body ->> 'batch_index') AS batches
    FROM outbox_event WHERE subject = :job_id AND routing_key = 'embeddings.batch.done'
""")


class WrongOutcomeError(Exception):
    """The database does not hold every vector exactly once."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A job that ended well.

    Attributes
    ----------
    done_seconds
        When each batch was done, in seconds after the job was submitted, ascending.
    batches_by_worker
        Batches that each process did, most first.
    """

    done_seconds: tuple[float, ...]
    batches_by_worker: tuple[int, ...]


async def add_sequences(platform: Platform, count: int, *, seed: int = 7) -> None:
    """Store made-up sequences; their ids are 1 to ``count``."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
    residues = ["".join(rng.choice(letters, size=rng.integers(*LENGTHS))) for _ in range(count)]
    rows = [
        {"sequence": sequence, "sequence_hash": compute_sequence_hash(sequence), "length": len(sequence)}
        for sequence in residues
    ]
    async with session_scope(platform.session_factory) as session:
        await session.execute(insert(SequenceRow), rows)


async def run_job(platform: Platform, *, batches: int) -> Outcome:
    """Embed the first sequences under a new recipe, so many batches of them.

    Raises
    ------
    WrongOutcomeError
        If the job failed, or a vector is missing, or there twice, or a batch was counted twice.
    """
    config_id, job_id = await _submit(platform, sequences=batches * BATCH_SEQUENCES)
    await _until_succeeded(platform, job_id)
    await _check(platform, config_id, job_id, batches=batches)
    return await _outcome(platform, job_id)


async def _submit(platform: Platform, *, sequences: int) -> tuple[UUID, UUID]:
    recipe = EmbeddingRecipe(model_name=f"stand-in-{uuid4().hex}")
    config = new_embedding_config(recipe, weights_uri=None, dimension=DIMENSION)
    query_set_id = uuid4()
    async with platform.unit_of_work(source=SOURCE) as work:
        await ConfigStore(work.session).add(config, SHOWN)
        await work.session.execute(insert(QuerySet).values(id=query_set_id, name="scaling"))
        entries = [
            {"query_set_id": query_set_id, "accession": f"S{number}", "sequence_id": number}
            for number in range(1, sequences + 1)
        ]
        await work.session.execute(insert(QuerySetEntry), entries)
    payload = ComputeEmbeddings(
        embedding_config_id=config.id, query_set_id=query_set_id, sequences_per_job=BATCH_SEQUENCES
    )
    async with platform.unit_of_work(source=SOURCE) as work:
        return config.id, await submit_job(work, NewJob(operation="compute_embeddings", payload=payload))


async def _until_succeeded(platform: Platform, job_id: UUID) -> None:
    async with asyncio.timeout(JOB_SECONDS):
        # Another process ends the job, and the database is where this one sees it.
        while (status := await _status(platform, job_id)) in {JobStatus.QUEUED, JobStatus.RUNNING}:  # noqa: ASYNC110 - above
            await asyncio.sleep(POLL_SECONDS)
    if status is not JobStatus.SUCCEEDED:
        raise WrongOutcomeError(f"Job {job_id} ended as {status}; the processes' logs say why.")


async def _status(platform: Platform, job_id: UUID) -> JobStatus:
    async with session_scope(platform.session_factory) as session:
        return (await session.scalars(select(Job.status).where(Job.id == job_id))).one()


async def _check(platform: Platform, config_id: UUID, job_id: UUID, *, batches: int) -> None:
    expected = batches * BATCH_SEQUENCES
    async with session_scope(platform.session_factory) as session:
        arguments = {"config_id": config_id, "dimension": DIMENSION, "sequences": expected}
        vectors = (await session.execute(_VECTORS, arguments)).one()
        announced = (await session.execute(_ANNOUNCED, {"job_id": job_id})).one()
    if tuple(vectors) != (expected,) * 4 or tuple(announced) != (batches, batches):
        raise WrongOutcomeError(
            f"Expected {expected} vectors of as many sequences and {batches} batches, each once; found "
            f"{vectors._asdict()} and {announced._asdict()}."
        )


async def _outcome(platform: Platform, job_id: UUID) -> Outcome:
    by_worker = select(func.count()).where(JobBatch.job_id == job_id).group_by(JobBatch.worker)
    done = (
        select(func.extract("epoch", JobBatch.finished_at - Job.created_at))
        .join(Job, Job.id == JobBatch.job_id)
        .where(JobBatch.job_id == job_id)
    )
    async with session_scope(platform.session_factory) as session:
        done_seconds = sorted(float(seconds) for seconds in await session.scalars(done))
        counts: Sequence[int] = (await session.scalars(by_worker)).all()
    return Outcome(tuple(done_seconds), tuple(sorted(counts, reverse=True)))
