"""The evaluator service on a database and an artifact folder of the test's own, and the rows that it reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine

from protea_common.db import copy_rows, session_scope
from protea_common.domain.evidence import is_negated
from protea_common.domain.ontology import GoGraph
from protea_common.events import Event, JobCreated
from protea_common.jobs import NewJob, submit_job
from protea_common.messaging.bus import Disposition, Handler
from protea_common.messaging.memory import MemoryBus
from protea_common.operations import OPERATIONS, GenerateEvaluationSet, OperationPayload, RunCafaEvaluation
from protea_common.orm import (
    AnnotationSet,
    EmbeddingConfig,
    EvaluationResult,
    EvaluationSet,
    Job,
    JobEvent,
    OutboxEvent,
    PredictionSet,
    PredictionSetStatus,
    Protein,
)
from protea_common.runtime import Platform
from protea_common.settings import Settings
from protea_common.storage import ArtifactSource, ArtifactStore, ArtifactStoreUnavailable, LocalFsArtifactStore
from protea_common.telemetry import build_metric_registry
from protea_evaluator.entrypoints.consumer import build_service
from protea_evaluator.settings import EvaluatorSettings
from support.jobs import JobBench
from support.ontology_rows import insert_graph, read_term_ids

__all__ = ["AwayArtifactStore", "EvaluatorBench"]

_EVALUATIONS = "protea.evaluations"


class AwayArtifactStore(LocalFsArtifactStore):
    """An artifact store that cannot be written."""

    async def put(self, key: str, source: ArtifactSource) -> str:
        raise ArtifactStoreUnavailable(f"the artifact {key!r} was not reached")


class EvaluatorBench(JobBench):
    """Insert what the evaluator reads, give it jobs and look at what it wrote."""

    def __init__(self, engine: AsyncEngine, *, database_url: str, folder: Path) -> None:
        super().__init__(engine)
        self.folder = folder
        self.artifacts = LocalFsArtifactStore(folder)
        self.platform = Platform(
            settings=Settings(db_url=database_url, amqp_url="amqp://unused/", artifacts_dir=folder),
            engine=engine,
            session_factory=self.session_factory,
            bus=MemoryBus(),
            artifacts=self.artifacts,
            metrics=build_metric_registry(),
            worker="test",
        )

    @asynccontextmanager
    async def evaluator(self, *, artifacts: ArtifactStore | None = None) -> AsyncIterator[Handler]:
        """Open the service; give the handler of its queue."""
        platform = replace(self.platform, artifacts=artifacts or self.artifacts)
        async with build_service(platform, settings=EvaluatorSettings()) as service:
            assert [consumer.queue for consumer in service.consumers] == [_EVALUATIONS]
            yield service.consumers[0].handler

    async def generate(self, old: UUID, new: UUID, **choices: Any) -> UUID:
        """Submit ``generate_evaluation_set``; give the job's id."""
        payload = GenerateEvaluationSet(old_annotation_set_id=old, new_annotation_set_id=new, **choices)
        return await self._submit("generate_evaluation_set", payload)

    async def run(self, evaluation_set: UUID, prediction_set: UUID, **recipe: Any) -> UUID:
        """Submit ``run_cafa_evaluation``; give the job's id."""
        payload = RunCafaEvaluation(evaluation_set_id=evaluation_set, prediction_set_id=prediction_set, **recipe)
        return await self._submit("run_cafa_evaluation", payload)

    async def request(self, payload: OperationPayload) -> UUID:
        """Submit the operation that a payload is of; give the job's id."""
        (name,) = (operation.name for operation in OPERATIONS.values() if operation.payload is type(payload))
        return await self._submit(name, payload)

    async def deliver(self, handler: Handler, job_id: UUID) -> Disposition:
        """Hand the handler the message that announces a job."""
        operation = (await self.job(job_id)).operation
        return await handler(self.message(JobCreated(job_id=job_id, operation=operation), queue=_EVALUATIONS))

    async def finished(self, job_id: UUID) -> Job:
        """Deliver a job to the service; give its row."""
        async with self.evaluator() as handler:
            await self.deliver(handler, job_id)
        return await self.job(job_id)

    async def insert_graph(self, graph: GoGraph, *, version: str = "releases/2019-01-27") -> UUID:
        async with session_scope(self.session_factory) as session:
            return await insert_graph(session, graph, version=version)

    async def insert_annotations(
        self, snapshot_id: UUID, rows: Iterable[tuple[str, str, str, str | None]], **columns: Any
    ) -> UUID:
        """Write a set of accession, term, evidence code and qualifier, with columns of the set.

        The same annotation twice is one row.
        """
        set_id = uuid4()
        kept = {(name, go_id, code, is_negated(text)): text for name, go_id, code, text in rows}
        async with session_scope(self.session_factory) as session:
            proteins = [{"accession": name, "canonical_accession": name} for name in sorted({key[0] for key in kept})]
            if proteins:
                await session.execute(upsert(Protein).on_conflict_do_nothing(), proteins)
            await session.execute(
                insert(AnnotationSet).values(id=set_id, source="goa", ontology_snapshot_id=snapshot_id, **columns)
            )
            ids = await read_term_ids(session, snapshot_id)
            names = (
                "annotation_set_id",
                "protein_accession",
                "go_term_id",
                "evidence_code",
                "qualifier",
                "is_negated",
            )
            await copy_rows(
                session,
                "protein_go_annotation",
                names,
                ((set_id, name, ids[go_id], code, text, no) for (name, go_id, code, no), text in kept.items()),
            )
        return set_id

    async def insert_predictions(
        self, annotation_set_id: UUID, rows: Sequence[tuple[str, str, float]], **columns: Any
    ) -> UUID:
        """Write a set of protein, term and score in the annotation set's ontology, with columns of the set."""
        set_id, config_id = uuid4(), uuid4()
        async with session_scope(self.session_factory) as session:
            snapshot_id = await session.scalar(
                select(AnnotationSet.ontology_snapshot_id).where(AnnotationSet.id == annotation_set_id)
            )
            assert snapshot_id is not None
            await session.execute(insert(EmbeddingConfig).values(id=config_id, model_name="kmer", layer_indices=[0]))
            values: dict[str, Any] = {
                "id": set_id,
                "status": PredictionSetStatus.COMPLETE,
                "embedding_config_id": config_id,
                "annotation_set_id": annotation_set_id,
                "ontology_snapshot_id": snapshot_id,
                "limit_per_entry": 5,
            }
            await session.execute(insert(PredictionSet).values(**values | columns))
            ids = await read_term_ids(session, snapshot_id)
            names = (
                "prediction_set_id",
                "protein_accession",
                "go_term_id",
                "ref_protein_accession",
                "distance",
                "score",
            )
            records = ((set_id, name, ids[go_id], "R1", 0.5, score) for name, go_id, score in rows)
            await copy_rows(session, "go_prediction", names, records)
        return set_id

    async def evaluation_sets(self) -> list[EvaluationSet]:
        async with session_scope(self.session_factory) as session:
            return list(await session.scalars(select(EvaluationSet)))

    async def results(self) -> list[EvaluationResult]:
        async with session_scope(self.session_factory) as session:
            return list(await session.scalars(select(EvaluationResult)))

    async def timeline(self, job_id: UUID, event: str) -> list[JobEvent]:
        """Entries of one kind on a job's timeline, oldest first."""
        async with session_scope(self.session_factory) as session:
            statement = select(JobEvent).where(JobEvent.job_id == job_id, JobEvent.event == event)
            return list(await session.scalars(statement.order_by(JobEvent.id)))

    async def events(self, contract: type[Event]) -> list[Mapping[str, Any]]:
        """Bodies of the events of one type in the outbox."""
        async with session_scope(self.session_factory) as session:
            bodies = await session.scalars(select(OutboxEvent.body).where(OutboxEvent.routing_key == contract.type))
            return list(bodies)

    async def read_artifact(self, key: str) -> str:
        """Read an artifact."""
        return (await self.artifacts.get(key)).decode()

    async def _submit(self, operation: str, payload: OperationPayload) -> UUID:
        async with self.unit_of_work() as work:
            return await submit_job(work, NewJob(operation=operation, payload=payload))
