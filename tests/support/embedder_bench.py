"""An embedder to play with: proteins, recipes, jobs, and the messages between them delivered by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache, partial
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select, text, update

from protea_common.db import UnitOfWork, session_scope
from protea_common.domain.sequence import compute_sequence_hash
from protea_common.jobs import NewJob, submit_job
from protea_common.messaging.bus import Disposition, IncomingMessage
from protea_common.messaging.codec import encode
from protea_common.messaging.topology import WorkQueue
from protea_common.operations import ComputeEmbeddings, OperationPayload
from protea_common.orm import EmbeddingConfig as ConfigRow
from protea_common.orm import Job, JobBatch, OutboxEvent, Protein, QuerySet, QuerySetEntry
from protea_common.orm import Sequence as SequenceRow
from protea_common.runtime import Platform, Service
from protea_embedder.adapters.encoders import kmer_weights_key
from protea_embedder.adapters.storage import ConfigStore
from protea_embedder.domain.embedding_config import ConfigText, EmbeddingConfig, new_embedding_config
from protea_embedder.domain.kmer_encoder import KmerEncoder
from protea_embedder.domain.kmer_fit import fit_kmer_encoder
from protea_embedder.domain.kmer_state import KmerState, state_digest, to_safetensors
from protea_embedder.domain.recipe import EmbeddingRecipe, kmer_recipe
from protea_embedder.entrypoints.consumer import build_service
from protea_embedder.settings import EmbedderSettings
from support.proteins import random_proteins

__all__ = ["SHOWN", "EmbedderBench", "expected_vectors", "open_bench", "small_state"]

SHOWN = ConfigText(
    display_name="test", family="k-mer", description="for tests", licence="none", is_language_model=False
)


@cache
def small_state() -> KmerState:
    """Fit an encoder of 428 dimensions: 4 + 20 + 400 + 4."""
    return fit_kmer_encoder(random_proteins(12), reduced_components=4, trimer_components=4)


def expected_vectors(sequences: Sequence[str]) -> NDArray[np.float16]:
    """Embed with the domain's encoder alone, shape ``(n, 428)``."""
    return KmerEncoder(small_state()).encode(sequences).astype(np.float16)


@asynccontextmanager
async def open_bench(platform: Platform, *, settings: EmbedderSettings | None = None) -> AsyncIterator[EmbedderBench]:
    """Wire an embedder of all roles to a platform."""
    async with build_service(platform, settings=settings or EmbedderSettings()) as service:
        yield EmbedderBench(platform, service)


class EmbedderBench:
    """Put rows in, deliver messages, look at what came of it."""

    def __init__(self, platform: Platform, service: Service) -> None:
        self.platform = platform
        self._handlers = {consumer.queue: consumer.handler for consumer in service.consumers}
        self.unit_of_work = partial(UnitOfWork, platform.session_factory, source="test")

    async def add_proteins(self, sequences: Iterable[str | None], *, prefix: str = "P") -> list[str]:
        """Store proteins, equal sequences once; give their accessions: P0, P1, ..."""
        accessions = []
        async with session_scope(self.platform.session_factory) as session:
            for number, residues in enumerate(sequences):
                sequence_id = None if residues is None else await self.add_sequence(residues)
                accession = f"{prefix}{number}"
                session.add(Protein(accession=accession, canonical_accession=accession, sequence_id=sequence_id))
                accessions.append(accession)
        return accessions

    async def add_sequence(self, residues: str) -> int:
        """Store a sequence if it is new; give its id."""
        digest = compute_sequence_hash(residues)
        async with session_scope(self.platform.session_factory) as session:
            found = await session.scalar(select(SequenceRow.id).where(SequenceRow.sequence_hash == digest))
            if found is not None:
                return found
            row = SequenceRow(sequence=residues, sequence_hash=digest, length=len(residues))
            session.add(row)
            await session.flush()
            return row.id

    async def add_query_set(self, sequences: Mapping[str, str]) -> UUID:
        """Store a query set of sequences by accession; give its id."""
        query_set_id = uuid4()
        ids = {accession: await self.add_sequence(residues) for accession, residues in sequences.items()}
        async with session_scope(self.platform.session_factory) as session:
            session.add(QuerySet(id=query_set_id, name="queries"))
            await session.flush()
            session.add_all(
                QuerySetEntry(query_set_id=query_set_id, accession=accession, sequence_id=sequence_id)
                for accession, sequence_id in ids.items()
            )
        return query_set_id

    async def add_kmer_config(self, *, normalize: bool = True, embedding_scale: float = 1.0) -> EmbeddingConfig:
        """Store the file of `small_state` and a recipe of it."""
        data = to_safetensors(small_state())
        weights_uri = await self.platform.artifacts.put(kmer_weights_key(state_digest(data)), data)
        recipe = replace(kmer_recipe(state_digest(data), normalize=normalize), embedding_scale=embedding_scale)
        return await self.add_config(recipe, weights_uri=weights_uri)

    async def add_config(
        self, recipe: EmbeddingRecipe, *, weights_uri: str | None, dimension: int = 428, shown: ConfigText = SHOWN
    ) -> EmbeddingConfig:
        """Store a recipe."""
        config = new_embedding_config(recipe, weights_uri=weights_uri, dimension=dimension)
        async with session_scope(self.platform.session_factory) as session:
            await ConfigStore(session).add(config, shown)
        return config

    async def submit(self, operation: str, payload: OperationPayload) -> UUID:
        async with self.unit_of_work() as work:
            return await submit_job(work, NewJob(operation=operation, payload=payload))

    async def submit_compute(self, payload: ComputeEmbeddings) -> UUID:
        return await self.submit("compute_embeddings", payload)

    async def take_messages(self, job_id: UUID) -> list[IncomingMessage]:
        """Take what is waiting to be done for a job off the outbox, also what is due only later."""
        asks_for_work = OutboxEvent.routing_key.regexp_match(r"^job\.created\.|\.requested(\.|$)")
        statement = (
            update(OutboxEvent)
            .where(OutboxEvent.subject == job_id, OutboxEvent.sent_at.is_(None), asks_for_work)
            .values(sent_at=func.now())
            .returning(OutboxEvent.id, OutboxEvent.routing_key, OutboxEvent.body, OutboxEvent.headers)
        )
        async with session_scope(self.platform.session_factory) as session:
            rows = (await session.execute(statement)).all()
        return [
            IncomingMessage(
                message_id=str(row.id),
                routing_key=row.routing_key,
                body=encode(row.body),
                headers=row.headers,
                queue=_queue(row.routing_key),
                redelivered=False,
                delivery_count=0,
            )
            for row in rows
        ]

    async def deliver(self, message: IncomingMessage) -> Disposition:
        return await self._handlers[message.queue](message)

    async def run(self, job_id: UUID) -> Job:
        """Deliver what is asked for until nothing is; give the job."""
        while messages := await self.take_messages(job_id):
            for message in messages:
                await self.deliver(message)
        return await self.job(job_id)

    async def ended(self, job_id: UUID, *, seconds: float = 60.0) -> Job:
        """Wait for the end of a job that others run."""
        async with asyncio.timeout(seconds):
            while (job := await self.job(job_id)).finished_at is None:
                await asyncio.sleep(0.02)
        return job

    async def job(self, job_id: UUID) -> Job:
        async with session_scope(self.platform.session_factory) as session:
            return (await session.scalars(select(Job).where(Job.id == job_id))).one()

    async def batches(self, job_id: UUID) -> Sequence[JobBatch]:
        async with session_scope(self.platform.session_factory) as session:
            statement = select(JobBatch).where(JobBatch.job_id == job_id).order_by(JobBatch.batch_index)
            return (await session.scalars(statement)).all()

    async def configs(self) -> Sequence[ConfigRow]:
        async with session_scope(self.platform.session_factory) as session:
            return (await session.scalars(select(ConfigRow))).all()

    async def vectors(self) -> dict[str, NDArray[np.float16]]:
        """Read every stored vector by its sequence; two of one sequence are an error."""
        statement = text(
            "SELECT s.sequence, CAST(e.embedding AS real[]) FROM sequence_embedding e"
            " JOIN sequence s ON s.id = e.sequence_id"
        )
        async with session_scope(self.platform.session_factory) as session:
            rows = (await session.execute(statement)).all()
        found = {row[0]: np.array(row[1], dtype=np.float16) for row in rows}
        assert len(found) == len(rows)
        return found

    async def told(self, job_id: UUID) -> str:
        """Join everything that was published or recorded about a job."""
        statement = text(
            "SELECT body::text || headers::text FROM outbox_event WHERE subject = :job_id"
            " UNION ALL SELECT event || coalesce(message, '') || fields::text FROM job_event WHERE job_id = :job_id"
            " UNION ALL SELECT coalesce(result::text, '') || coalesce(error_message, '') FROM job WHERE id = :job_id"
        )
        async with session_scope(self.platform.session_factory) as session:
            return "\n".join((await session.scalars(statement, {"job_id": job_id})).all())

    async def published(self, routing_key: str, job_id: UUID) -> Sequence[dict[str, object]]:
        """Read the bodies of a job's events of one type."""
        statement = select(OutboxEvent.body).where(
            OutboxEvent.subject == job_id, OutboxEvent.routing_key == routing_key
        )
        async with session_scope(self.platform.session_factory) as session:
            return (await session.scalars(statement)).all()

    async def scalar(self, query: str) -> object:
        async with session_scope(self.platform.session_factory) as session:
            return await session.scalar(text(query))

    async def execute(self, statement: str) -> None:
        async with session_scope(self.platform.session_factory) as session:
            await session.execute(text(statement))


def _queue(routing_key: str) -> str:
    return WorkQueue.EMBEDDINGS if routing_key.startswith("job.created.") else WorkQueue.EMBEDDINGS_BATCH
