"""A predictor to play with: a tiny world of proteins and terms, jobs, and the messages between them by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from pgvector import HalfVector
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db import UnitOfWork, copy_rows, session_scope
from protea_common.domain.evidence import is_negated
from protea_common.domain.ontology import Aspect, Relation, Term
from protea_common.domain.sequence import compute_sequence_hash
from protea_common.jobs import NewJob, submit_job
from protea_common.messaging.bus import Disposition, IncomingMessage
from protea_common.messaging.codec import encode
from protea_common.messaging.topology import WorkQueue
from protea_common.operations import PredictGoTerms, operation_queues
from protea_common.orm import (
    AnnotationSet,
    EmbeddingConfig,
    GOTerm,
    Job,
    JobBatch,
    OutboxEvent,
    PredictionSet,
    Protein,
    QuerySet,
    QuerySetEntry,
)
from protea_common.orm import Sequence as SequenceRow
from protea_common.runtime import Platform, Service
from protea_common.stored_predictions import predictions_of
from protea_predictor.entrypoints.consumer import build_service
from protea_predictor.settings import PredictorSettings
from support.ontology_rows import insert_ontology, read_term_ids

__all__ = ["A", "Annotation", "B", "C", "M", "PredictorBench", "World", "open_bench"]

PROCESS, FUNCTION, COMPONENT = "GO:0008150", "GO:0003674", "GO:0005575"
A, B, C, M = "GO:0000001", "GO:0000002", "GO:0000003", "GO:0000010"

_TERMS = {
    PROCESS: Aspect.BIOLOGICAL_PROCESS,
    A: Aspect.BIOLOGICAL_PROCESS,
    B: Aspect.BIOLOGICAL_PROCESS,
    C: Aspect.BIOLOGICAL_PROCESS,
    FUNCTION: Aspect.MOLECULAR_FUNCTION,
    M: Aspect.MOLECULAR_FUNCTION,
    COMPONENT: Aspect.CELLULAR_COMPONENT,
}
_EDGES = ((A, PROCESS, "is_a"), (B, A, "is_a"), (C, A, "part_of"), (M, FUNCTION, "is_a"))

Annotation = tuple[str, str, str, str | None]
"""Accession, term, evidence code, qualifier."""

_ROWS = text("""
    SELECT p.protein_accession AS protein, t.go_id, p.ref_protein_accession AS donor, p.distance, p.score, p.qualifier,
        p.evidence_code, p.vote_count, p.k_position, p.same_sequence, p.donor_accessions, p.donor_k_positions,
        p.donor_sequence_ranks, p.donor_distances, p.donor_count, f.length_query, f.length_ref, f.go_term_frequency,
        f.ref_annotation_density, f.neighbor_distance_std, f.neighbor_vote_fraction, f.neighbor_min_distance,
        f.neighbor_mean_distance, f.identity_nw, f.taxonomic_relation
    FROM go_prediction p JOIN go_term t ON t.id = p.go_term_id
    JOIN go_prediction_features f ON f.prediction_id = p.id
    WHERE p.prediction_set_id = :set_id ORDER BY p.id
""")


@asynccontextmanager
async def open_bench(platform: Platform, *, settings: PredictorSettings | None = None) -> AsyncIterator[PredictorBench]:
    """Wire a predictor of all roles to a platform."""
    async with build_service(platform, settings=settings or PredictorSettings()) as service:
        yield PredictorBench(platform, service)


class World:
    """What predictions are made from: GO of seven terms, a recipe of two dimensions, and what a test adds.

    B is_a A, C part_of A, A is_a the process root; M is_a the function root.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    @property
    def session(self) -> AsyncSession:
        """The session that the world is written with."""
        return self._session

    async def create(self) -> PredictGoTerms:
        """Write the ontology, the recipe, an empty annotation set and an empty query set; give a request for them."""
        terms = [Term(go_id, go_id, aspect, None, is_obsolete=False) for go_id, aspect in _TERMS.items()]
        snapshot_id = await insert_ontology(self._session, terms, [Relation(*edge) for edge in _EDGES])
        request = PredictGoTerms(
            embedding_config_id=await self.add_config(),
            annotation_set_id=uuid4(),
            ontology_snapshot_id=snapshot_id,
            query_set_id=uuid4(),
            limit_per_entry=2,
        )
        await self._session.execute(
            insert(AnnotationSet).values(
                id=request.annotation_set_id, source="goa", ontology_snapshot_id=request.ontology_snapshot_id
            )
        )
        await self._session.execute(insert(QuerySet).values(id=request.query_set_id, name="queries"))
        return request

    async def add_config(self, *, normalize: bool = True) -> UUID:
        """Write a recipe; give its id."""
        config_id = uuid4()
        await self._session.execute(
            insert(EmbeddingConfig).values(
                id=config_id, model_name="toy", model_backend="kmer", layer_indices=[0], normalize=normalize
            )
        )
        return config_id

    async def add_sequence(self, residues: str) -> int:
        """Write a sequence if it is new; give its id."""
        digest = compute_sequence_hash(residues)
        found = await self._session.scalar(select(SequenceRow.id).where(SequenceRow.sequence_hash == digest))
        if found is not None:
            return found
        values = {"sequence": residues, "sequence_hash": digest, "length": len(residues)}
        return await self._session.scalar(insert(SequenceRow).values(values).returning(SequenceRow.id)) or 0

    async def add_protein(self, accession: str, residues: str, *, reviewed: bool | None = None) -> int:
        """Write a protein; give the id of its sequence."""
        sequence_id = await self.add_sequence(residues)
        await self._session.execute(
            insert(Protein).values(
                accession=accession, canonical_accession=accession, sequence_id=sequence_id, reviewed=reviewed
            )
        )
        return sequence_id

    async def embed(self, request: PredictGoTerms, sequence_id: int, vector: Sequence[float]) -> None:
        """Write the vector of a sequence."""
        columns = ("sequence_id", "embedding_config_id", "embedding", "embedding_dim")
        row = (sequence_id, request.embedding_config_id, HalfVector(list(vector)), len(vector))
        await copy_rows(self._session, "sequence_embedding", columns, [row])

    async def add_reference(
        self,
        request: PredictGoTerms,
        accession: str,
        vector: Sequence[float],
        *,
        residues: str | None = None,
        reviewed: bool | None = None,
    ) -> None:
        """Write a protein with its vector; without residues of its own it has a sequence of its name."""
        sequence_id = await self.add_protein(accession, residues or f"MK{accession}", reviewed=reviewed)
        await self.embed(request, sequence_id, vector)

    async def annotate(self, request: PredictGoTerms, annotations: Sequence[Annotation]) -> None:
        """Add annotations to the request's set."""
        term_ids = await read_term_ids(self._session, request.ontology_snapshot_id)
        columns = ("annotation_set_id", "protein_accession", "go_term_id", "evidence_code", "qualifier", "is_negated")
        rows = (
            (request.annotation_set_id, accession, term_ids[go_id], code, qualifier, is_negated(qualifier))
            for accession, go_id, code, qualifier in annotations
        )
        await copy_rows(self._session, "protein_go_annotation", columns, rows)

    async def add_query(
        self, request: PredictGoTerms, accession: str, vector: Sequence[float] | None, *, residues: str | None = None
    ) -> None:
        """Add a protein to the request's query set; one of a sequence that has a vector needs none."""
        sequence_id = await self.add_sequence(residues or f"MQ{accession}")
        await self._session.execute(
            insert(QuerySetEntry).values(
                query_set_id=request.query_set_id, accession=accession, sequence_id=sequence_id
            )
        )
        if vector is not None:
            await self.embed(request, sequence_id, vector)


class PredictorBench:
    """Put rows in, deliver messages, look at what came of it."""

    def __init__(self, platform: Platform, service: Service) -> None:
        self.platform = platform
        self.handlers = {consumer.queue: consumer.handler for consumer in service.consumers}
        self.unit_of_work = partial(UnitOfWork, platform.session_factory, source="test")

    @asynccontextmanager
    async def world(self) -> AsyncIterator[World]:
        """Write into the world; what was written is committed at the end of the block."""
        async with session_scope(self.platform.session_factory) as session:
            yield World(session)

    async def worked_example(self) -> PredictGoTerms:
        """Write three references and one query, at distances that follow from triangles with whole sides."""
        async with self.world() as world:
            request = await world.create()
            await world.add_reference(request, "R1", (4, 3))  # cosine distance 0.2 from (1, 0)
            await world.add_reference(request, "R2", (3, 4))  # 0.4
            await world.add_reference(request, "R3", (0, 1))  # 1.0
            await world.annotate(
                request,
                [
                    ("R1", B, "IDA", "involved_in"),
                    ("R2", C, "IEA", None),
                    ("R2", M, "IDA", "enables"),
                    ("R3", B, "IEA", None),
                ],
            )
            await world.add_query(request, "Q1", (1, 0))
        return request

    async def submit(self, request: PredictGoTerms, **changes: Any) -> UUID:
        """Submit a job for the request with some of its fields changed."""
        payload = PredictGoTerms.model_validate(request.model_dump() | changes)
        async with self.unit_of_work() as work:
            return await submit_job(work, NewJob(operation="predict_go_terms", payload=payload))

    async def run(self, request: PredictGoTerms, **changes: Any) -> Job:
        """Submit a job and deliver what is asked for until nothing is; give the job."""
        job_id = await self.submit(request, **changes)
        await self.deliver_all(job_id)
        return await self.job(job_id)

    async def dispatched(self, request: PredictGoTerms, **changes: Any) -> tuple[UUID, list[IncomingMessage]]:
        """Submit a job and let it be cut; give its id and the requests of its batches."""
        job_id = await self.submit(request, **changes)
        (created,) = await self.take_messages(job_id)
        await self.deliver(created)
        return job_id, await self.take_messages(job_id)

    async def deliver_all(self, job_id: UUID) -> None:
        while messages := await self.take_messages(job_id):
            for message in messages:
                await self.deliver(message)

    async def deliver(self, message: IncomingMessage) -> Disposition:
        return await self.handlers[message.queue](message)

    async def take_messages(self, job_id: UUID) -> list[IncomingMessage]:
        """Take what is waiting to be done for a job off the outbox, also what is due only later."""
        asks_for_work = OutboxEvent.routing_key.regexp_match(r"^job\.created\.|\.requested$")
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

    async def prediction_set(self, job_id: UUID) -> PredictionSet:
        async with session_scope(self.platform.session_factory) as session:
            return (await session.scalars(select(PredictionSet).where(PredictionSet.job_id == job_id))).one()

    async def rows(self, job_id: UUID) -> list[Mapping[str, Any]]:
        """Read the predictions of a job with their features, in the order in which they were written."""
        set_id = (await self.prediction_set(job_id)).id
        async with session_scope(self.platform.session_factory) as session:
            return [dict(row) for row in (await session.execute(_ROWS, {"set_id": set_id})).mappings()]

    async def scores(self, set_id: UUID) -> dict[tuple[str, str], float]:
        """Read the scores of a set by protein and term, however they are kept."""
        found = predictions_of(set_id)
        statement = select(found.protein_accession, GOTerm.go_id, found.score).join(
            GOTerm, GOTerm.id == found.go_term_id
        )
        async with session_scope(self.platform.session_factory) as session:
            return {(protein, go_id): score for protein, go_id, score in await session.execute(statement)}

    async def scalar(self, query: str) -> Any:
        async with session_scope(self.platform.session_factory) as session:
            return await session.scalar(text(query))

    async def execute(self, statement: str) -> None:
        async with session_scope(self.platform.session_factory) as session:
            await session.execute(text(statement))


def _queue(routing_key: str) -> str:
    operation = routing_key.removeprefix("job.created.")
    return operation_queues().get(operation, WorkQueue.PREDICTIONS_BATCH)
