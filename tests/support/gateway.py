"""A gateway on a real database and the in-process bus, with its HTTP client, and rows for it to show."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db import UnitOfWork, session_scope
from protea_common.domain.sequence import compute_sequence_hash
from protea_common.messaging.bus import MessageBus
from protea_common.messaging.memory import MemoryBus
from protea_common.orm import (
    AnnotationSet,
    EmbeddingConfig,
    GOPrediction,
    GOPredictionFeatures,
    GOTerm,
    GOTermRelationship,
    OntologySnapshot,
    PredictedScores,
    PredictionSet,
    Protein,
    ProteinGOAnnotation,
    QuerySet,
    SequenceEmbedding,
)
from protea_common.orm import Sequence as SequenceRow
from protea_common.runtime import Platform, Service, open_platform
from protea_common.settings import load_settings
from protea_gateway.entrypoints.consumer import build_service
from protea_gateway.settings import GatewaySettings

__all__ = ["GatewayBench", "References", "open_gateway"]

LOCAL = "http://127.0.0.1:8000"
"""A name under which somebody at this machine calls."""

TERMS = ("GO:0003674", "GO:0005488", "GO:0005515", "GO:0008150")
"""A root, its child, its grandchild, and a root of another aspect."""


@dataclass(frozen=True, slots=True)
class References:
    """Reference data that proteins can be annotated from."""

    ontology_snapshot_id: UUID
    annotation_set_id: UUID
    embedding_config_id: UUID
    term_ids: Sequence[int]


@dataclass(slots=True)
class GatewayBench:
    """A running gateway.

    Attributes
    ----------
    client
        Calls the application without a network, from this machine.
    """

    platform: Platform
    service: Service
    client: httpx.AsyncClient
    background: Sequence[asyncio.Future[None]]

    async def stop_background(self) -> None:
        """Stop what runs beside the requests, as a shutdown does first."""
        for task in self.background:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def unit_of_work(self) -> UnitOfWork:
        return self.platform.unit_of_work(source="test")

    async def relay(self) -> None:
        """Send what waits in the outbox."""
        await self.platform.relay().send_due()

    def client_from(self, address: str, *, base_url: str = LOCAL) -> httpx.AsyncClient:
        """Call from another address, or by another name."""
        assert self.service.app is not None
        transport = httpx.ASGITransport(self.service.app, client=(address, 50_000))
        return httpx.AsyncClient(transport=transport, base_url=base_url)

    async def rows(self, statement: Any) -> list[Any]:
        async with session_scope(self.platform.session_factory) as session:
            return list((await session.scalars(statement)).all())

    async def count(self, table: Any) -> int:
        return len(await self.rows(select(table)))

    async def add_references(self) -> References:
        """Load a tiny ontology, one annotated and embedded protein."""
        async with session_scope(self.platform.session_factory) as session:
            snapshot_id = await add_ontology(session)
            term_ids = list(await session.scalars(select(GOTerm.id).order_by(GOTerm.go_id)))
            set_id, config_id = uuid4(), uuid4()
            await session.execute(
                insert(AnnotationSet).values(
                    id=set_id, source="goa", source_version="220", annotation_count=1, ontology_snapshot_id=snapshot_id
                )
            )
            await session.execute(insert(EmbeddingConfig).values(id=config_id, model_name="k-mer", layer_indices=[0]))
            sequence_id = await add_protein(session, "P00001", "MKVLAAGIVGLLAQPSWTEQ")
            await session.execute(
                insert(SequenceEmbedding).values(
                    sequence_id=sequence_id, embedding_config_id=config_id, embedding=[1.0, 0.0], embedding_dim=2
                )
            )
            await session.execute(
                insert(ProteinGOAnnotation).values(
                    annotation_set_id=set_id, protein_accession="P00001", go_term_id=term_ids[2], evidence_code="IDA"
                )
            )
        return References(snapshot_id, set_id, config_id, term_ids)

    async def add_predictions(
        self,
        references: References,
        predictions: Sequence[tuple[str, int, float]],
        *,
        is_bare: bool = False,
        **columns: Any,
    ) -> UUID:
        """Write a complete set of ``(accession, index of the term, score)``, bare or not; give its id."""
        set_id = uuid4()
        values = {
            "id": set_id,
            "status": "COMPLETE",
            "embedding_config_id": references.embedding_config_id,
            "annotation_set_id": references.annotation_set_id,
            "ontology_snapshot_id": references.ontology_snapshot_id,
            "limit_per_entry": 5,
            "prediction_count": len(predictions),
        }
        async with session_scope(self.platform.session_factory) as session:
            await session.execute(insert(PredictionSet).values(values | columns))
            if is_bare:
                await _add_scores(session, set_id, references.term_ids, predictions)
            elif predictions:
                await _add_predictions(session, set_id, references.term_ids, predictions)
        return set_id

    async def add_query_set(self, name: str = "queries") -> UUID:
        query_set_id = uuid4()
        async with session_scope(self.platform.session_factory) as session:
            await session.execute(insert(QuerySet).values(id=query_set_id, name=name))
        return query_set_id


@asynccontextmanager
async def open_gateway(
    database_url: str,
    folder: Path,
    *,
    api: dict[str, int] | None = None,
    bus: MessageBus | None = None,
    jaeger_url: str | None = None,
    **own: Any,
) -> AsyncIterator[GatewayBench]:
    """Open a gateway, on the in-process bus unless another is given, and run what it runs in the background."""
    overrides = {
        "db_url": database_url,
        "amqp_url": "amqp://nowhere/",
        "storage_root": folder,
        "tuning": {"worker": {"db_pool_size": 5}, "api": api or {}},
        "telemetry": {"jaeger_url": jaeger_url},
    }
    settings = GatewaySettings(**({"authentication": "loopback"} | own))
    async with (
        open_platform(load_settings(folder, overrides=overrides), bus or MemoryBus()) as platform,
        build_service(platform, settings=settings) as service,
        _consuming(service, platform),
    ):
        assert service.app is not None
        transport = httpx.ASGITransport(service.app, client=("127.0.0.1", 50_000), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=LOCAL) as client:
            background = [asyncio.ensure_future(run()) for run in service.background]
            bench = GatewayBench(platform, service, client, background)
            try:
                yield bench
            finally:
                await bench.stop_background()


@asynccontextmanager
async def _consuming(service: Service, platform: Platform) -> AsyncIterator[None]:
    subscriptions = [
        await platform.bus.subscribe(consumer.queue, consumer.handler, prefetch=consumer.prefetch)
        for consumer in service.consumers
    ]
    try:
        yield
    finally:
        for subscription in subscriptions:
            await subscription.stop(platform.settings.worker.heartbeat)


async def add_ontology(session: AsyncSession) -> UUID:
    """Write a release with the terms of `TERMS`."""
    snapshot_id = uuid4()
    await session.execute(
        insert(OntologySnapshot).values(
            id=snapshot_id, obo_url="file:///go.obo", obo_version=f"releases/{snapshot_id}", obo_sha256="0" * 64
        )
    )
    rows = [
        {"go_id": go_id, "name": f"name of {go_id}", "aspect": "P" if go_id == TERMS[3] else "F"} for go_id in TERMS
    ]
    await session.execute(insert(GOTerm), [row | {"ontology_snapshot_id": snapshot_id} for row in rows])
    terms = {term.go_id: term.id for term in await session.scalars(select(GOTerm))}
    for child, parent in ((TERMS[1], TERMS[0]), (TERMS[2], TERMS[1])):
        await session.execute(
            insert(GOTermRelationship).values(
                child_go_term_id=terms[child],
                parent_go_term_id=terms[parent],
                relation_type="is_a",
                ontology_snapshot_id=snapshot_id,
            )
        )
    return snapshot_id


async def add_protein(session: AsyncSession, accession: str, sequence: str) -> int:
    """Write a protein with its sequence; give the sequence's id."""
    statement = insert(SequenceRow).values(
        sequence=sequence, sequence_hash=compute_sequence_hash(sequence), length=len(sequence)
    )
    sequence_id = (await session.scalars(statement.returning(SequenceRow.id))).one()
    await session.execute(
        insert(Protein).values(accession=accession, canonical_accession=accession, sequence_id=sequence_id)
    )
    return sequence_id


async def _add_scores(
    session: AsyncSession, set_id: UUID, term_ids: Sequence[int], predictions: Sequence[tuple[str, int, float]]
) -> None:
    for accession in {name for name, _, _ in predictions}:
        terms, scores = zip(
            *((term_ids[term], score) for name, term, score in predictions if name == accession), strict=True
        )
        lists = {"go_term_ids": list(terms), "scores": list(scores)}
        await session.execute(
            insert(PredictedScores).values(prediction_set_id=set_id, protein_accession=accession, **lists)
        )


async def _add_predictions(
    session: AsyncSession, set_id: UUID, term_ids: Sequence[int], predictions: Sequence[tuple[str, int, float]]
) -> None:
    rows = [
        {
            "prediction_set_id": set_id,
            "protein_accession": accession,
            "go_term_id": term_ids[term],
            "ref_protein_accession": "P00001",
            "distance": round(1 - score, 6),
            "score": score,
            "evidence_code": "IDA",
            "vote_count": 2,
            "k_position": 1,
        }
        for accession, term, score in predictions
    ]
    ids = await session.scalars(insert(GOPrediction).returning(GOPrediction.id), rows)
    features = [{"prediction_id": key, "go_term_frequency": 3, "neighbor_distance_std": 0.25} for key in ids]
    await session.execute(insert(GOPredictionFeatures), features)
