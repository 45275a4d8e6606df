from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, delete, func, insert, null, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.pool import NullPool

from protea_common.orm import (
    LEASE_TOKEN_SEQUENCE,
    AnnotationSet,
    Base,
    Dataset,
    EmbeddingConfig,
    EvaluationResult,
    EvaluationSet,
    GOPrediction,
    GOPredictionFeatures,
    GOTerm,
    GOTermRelationship,
    InterProAnnotation,
    Job,
    JobBatch,
    JobComment,
    JobEvent,
    JobStatus,
    OntologySnapshot,
    PredictedScores,
    PredictionSet,
    PredictionSetStatus,
    Protein,
    ProteinGOAnnotation,
    QuerySet,
    QuerySetEntry,
    RerankerModel,
    ScoringConfig,
    Sequence,
    SequenceEmbedding,
)

ALEMBIC_INI = Path(__file__).parents[2] / "migrations" / "alembic.ini"


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database_url, poolclass=NullPool)
    yield engine
    await engine.dispose()


@pytest.fixture
async def session(migrated_database_url: str) -> AsyncIterator[AsyncSession]:
    engine = create_async_engine(migrated_database_url, poolclass=NullPool)
    async with AsyncSession(engine) as session:
        yield session
    await engine.dispose()


async def alembic(engine: AsyncEngine, action: Callable[[Config], None]) -> None:
    def act(connection: Connection) -> None:
        config = Config(ALEMBIC_INI)
        config.attributes["connection"] = connection
        action(config)

    async with engine.begin() as connection:
        await connection.run_sync(act)


async def rows(engine: AsyncEngine, statement: str) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(statement))]


# What the catalogue knows and `alembic check` does not compare: predicates, checks, storage, foreign key actions.
CATALOGUE = """
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass
UNION ALL
SELECT 'index', tablename, indexname, indexdef
  FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
UNION ALL
SELECT 'column', c.relname, a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attstorage, a.attnotnull,
       a.attidentity, pg_get_expr(d.adbin, d.adrelid))
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND c.relname <> 'alembic_version'
UNION ALL
SELECT 'relation', relname, relkind::text, reloptions::text
  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'alembic_version%'
UNION ALL
SELECT 'enum', t.typname, e.enumlabel, e.enumsortorder::text FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
"""


async def test_upgrading_an_empty_database_makes_every_table(engine: AsyncEngine) -> None:
    await alembic(engine, lambda config: command.upgrade(config, "head"))

    made = await rows(engine, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {name for (name,) in made} == {*Base.metadata.tables, "alembic_version"}


async def test_alembic_finds_nothing_left_to_migrate(engine: AsyncEngine) -> None:
    await alembic(engine, lambda config: command.upgrade(config, "head"))

    await alembic(engine, command.check)


async def test_migrations_make_exactly_what_the_classes_describe(engine: AsyncEngine) -> None:
    await alembic(engine, lambda config: command.upgrade(config, "head"))
    migrated = await rows(engine, CATALOGUE)
    await alembic(engine, lambda config: command.downgrade(config, "base"))

    async with engine.begin() as connection:
        await connection.execute(text("CREATE EXTENSION vector"))
        await connection.run_sync(Base.metadata.create_all)

    described = await rows(engine, CATALOGUE)
    assert len(migrated) > 500
    assert sorted(map(str, migrated)) == sorted(map(str, described))


async def test_downgrading_to_base_leaves_nothing(engine: AsyncEngine) -> None:
    await alembic(engine, lambda config: command.upgrade(config, "head"))

    await alembic(engine, lambda config: command.downgrade(config, "base"))

    left = await rows(engine, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")
    types = await rows(
        engine, "SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'"
    )
    extensions = await rows(engine, "SELECT extname FROM pg_extension")
    assert {name for (name,) in left} == {"alembic_version", "alembic_version_pkc"}
    assert types == []
    assert extensions == [("plpgsql",)]


def run_alembic(*arguments: str, address: str | None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PROTEA_DB_URL"}
    if address is not None:
        environment["PROTEA_DB_URL"] = address
    command_line = [sys.executable, "-m", "alembic", "-c", str(ALEMBIC_INI), *arguments]
    return subprocess.run(command_line, env=environment, capture_output=True, text=True, check=False)


async def test_of_two_processes_that_start_at_once_one_migrates_and_both_go_on(
    engine: AsyncEngine, database_url: str
) -> None:
    async with asyncio.TaskGroup() as group:
        upgrades = [
            group.create_task(asyncio.to_thread(run_alembic, "upgrade", "head", address=database_url)) for _ in range(2)
        ]

    assert [upgrade.result().returncode for upgrade in upgrades] == [0, 0], [task.result().stderr for task in upgrades]
    assert len(await rows(engine, "SELECT * FROM alembic_version")) == 1


async def test_the_command_line_migrates_the_database_of_the_environment(
    engine: AsyncEngine, database_url: str
) -> None:
    address = database_url.replace("+asyncpg", "+psycopg")

    done = await asyncio.to_thread(run_alembic, "upgrade", "head", address=address)

    assert done.returncode == 0, done.stderr
    assert len(await rows(engine, "SELECT * FROM alembic_version")) == 1


def test_the_command_line_asks_for_an_address_when_it_has_none() -> None:
    done = run_alembic("upgrade", "head", address=None)

    assert done.returncode != 0
    assert "PROTEA_DB_URL" in done.stderr + done.stdout


def test_the_statements_can_be_written_out_for_a_database_administrator() -> None:
    done = run_alembic("upgrade", "head", "--sql", address=None)

    assert done.returncode == 0, done.stderr
    assert "CREATE TABLE sequence_embedding" in done.stdout


async def test_a_second_annotation_without_an_evidence_code_is_refused(session: AsyncSession) -> None:
    await build_world(session)
    same = annotation(evidence_code=None)
    await session.execute(insert(ProteinGOAnnotation).values(same))

    with pytest.raises(IntegrityError, match="uq_pga_set_protein_term_evidence"):
        await session.execute(insert(ProteinGOAnnotation).values(same))


async def test_a_claim_and_its_denial_with_the_same_evidence_both_survive(session: AsyncSession) -> None:
    await build_world(session)
    await session.execute(delete(ProteinGOAnnotation))

    await session.execute(insert(ProteinGOAnnotation).values(annotation(evidence_code="IDA", qualifier="enables")))
    await session.execute(
        insert(ProteinGOAnnotation).values(
            annotation(evidence_code="IDA", qualifier="NOT|enables", is_negated=True),
        )
    )

    assert await count(session, ProteinGOAnnotation) == 2


@pytest.mark.parametrize(("dimension", "out_of_line"), [(1_024, False), (4_000, False), (5_120, True), (16_000, True)])
async def test_a_vector_lies_in_its_row_unless_it_is_longer_than_a_page(
    session: AsyncSession, dimension: int, *, out_of_line: bool
) -> None:
    await build_world(session)

    await session.execute(
        insert(SequenceEmbedding).values(
            sequence_id=QUERY_SEQUENCE, embedding_config_id=CONFIG, embedding=[0.5] * dimension, embedding_dim=dimension
        )
    )

    read = select(SequenceEmbedding.embedding).where(SequenceEmbedding.sequence_id == QUERY_SEQUENCE)
    toasted = "SELECT pg_relation_size(reltoastrelid) > 0 FROM pg_class WHERE relname = 'sequence_embedding'"
    assert (await session.scalars(read)).one() == [0.5] * dimension
    assert await session.scalar(text(toasted)) is out_of_line


async def test_two_active_jobs_may_not_ask_for_the_same(session: AsyncSession) -> None:
    job = {"operation": "ping", "queue_name": "protea.ping", "dedup_key": "0123456789abcdef"}
    first = await session.scalar(insert(Job).values(job).returning(Job.id))

    with pytest.raises(IntegrityError, match="uq_job_dedup_key_active"):
        async with session.begin_nested():
            await session.execute(insert(Job).values(job))

    await session.execute(update(Job).where(Job.id == first).values(status=JobStatus.FAILED))
    await session.execute(insert(Job).values(job))
    assert await count(session, Job) == 2


async def test_a_later_claim_has_a_greater_token(session: AsyncSession) -> None:
    first = await session.scalar(LEASE_TOKEN_SEQUENCE)
    second = await session.scalar(LEASE_TOKEN_SEQUENCE)

    assert isinstance(first, int)
    assert isinstance(second, int)
    assert second > first


async def test_a_new_job_is_queued_for_its_first_of_five_attempts(session: AsyncSession) -> None:
    job = Job(operation="ping", queue_name="protea.ping", result=None)
    session.add(job)
    await session.flush()

    assert (job.status, job.attempt, job.max_attempts, job.tags, job.payload) == (JobStatus.QUEUED, 0, 5, [], {})
    assert await session.scalar(select(func.count()).where(Job.result.is_(null()))) == 1


async def test_a_prediction_set_has_one_of_three_statuses(session: AsyncSession) -> None:
    await build_world(session)
    assert (await session.scalars(select(PredictionSet.status))).all() == [PredictionSetStatus.GENERATING]

    with pytest.raises(IntegrityError, match="ck_prediction_set_status"):
        await session.execute(text("UPDATE prediction_set SET status = 'HALF'"))


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE interpro_annotation SET start = 0", "ck_interpro_annotation_start_is_positive"),
        ('UPDATE interpro_annotation SET "end" = 1', "ck_interpro_annotation_end_not_before_start"),
        ("UPDATE reranker_model SET artifact_uri = NULL", "ck_reranker_model_has_a_booster"),
        ("UPDATE embedding_config SET chunk_overlap = chunk_size", "ck_embedding_config_overlap_below_size"),
        ("UPDATE scoring_config SET formula = 'guess'", "ck_scoring_config_formula"),
        ("UPDATE scoring_config SET missing = 'guess'", "ck_scoring_config_missing"),
        ("UPDATE go_term SET aspect = 'X'", "ck_go_term_aspect"),
        ("INSERT INTO support_entry VALUES (gen_random_uuid(), repeat('a', 501))", "ck_support_entry_comment_length"),
    ],
)
async def test_a_row_that_cannot_be_is_refused(session: AsyncSession, statement: str, constraint: str) -> None:
    await build_world(session)

    with pytest.raises(DBAPIError, match=constraint):
        await session.execute(text(statement))


def key(number: int) -> UUID:
    return UUID(int=number)


JOB, CHILD, WAITING = key(1), key(2), key(3)
SNAPSHOT, OLD_SET, NEW_SET, CONFIG, QUERIES = key(10), key(11), key(12), key(13), key(14)
FORMULA, PREDICTIONS, EVALUATION, DATASET, RERANKER = key(15), key(16), key(17), key(18), key(19)
REFERENCE_SEQUENCE, QUERY_SEQUENCE = 1, 2


def annotation(**fields: Any) -> dict[str, Any]:
    return {"annotation_set_id": OLD_SET, "protein_accession": "P12345", "go_term_id": 1, **fields}


def world() -> Iterable[Base]:
    """One row in every table that deleting concerns, each linked to all that it can be linked to."""
    yield Job(id=JOB, operation="predict_go_terms", queue_name="protea.predictions")
    yield Job(id=CHILD, operation="ping", queue_name="protea.ping", parent_job_id=JOB)
    yield Job(id=WAITING, operation="ping", queue_name="protea.ping", waits_for_job_id=JOB)
    yield JobEvent(job_id=JOB, event="job.created")
    yield JobComment(job_id=JOB, body="a note")
    yield JobBatch(job_id=JOB, batch_index=0, kind="predictions.batch")
    yield OntologySnapshot(id=SNAPSHOT, obo_url="file:go.obo", obo_version="releases/2024-01-17", obo_sha256="0" * 64)
    yield GOTerm(id=1, go_id="GO:0005524", aspect="F", ontology_snapshot_id=SNAPSHOT)
    yield GOTerm(id=2, go_id="GO:0003674", aspect="F", ontology_snapshot_id=SNAPSHOT)
    yield GOTermRelationship(
        child_go_term_id=1, parent_go_term_id=2, relation_type="is_a", ontology_snapshot_id=SNAPSHOT
    )
    yield Sequence(id=REFERENCE_SEQUENCE, sequence="MKV", sequence_hash="a" * 32, length=3)
    yield Sequence(id=QUERY_SEQUENCE, sequence="MKL", sequence_hash="b" * 32, length=3)
    yield Protein(accession="P12345", canonical_accession="P12345", sequence_id=REFERENCE_SEQUENCE)
    yield InterProAnnotation(
        sequence_id=REFERENCE_SEQUENCE,
        protein_accession="P12345",
        source_db="Pfam",
        accession="PF00069",
        start=2,
        end=3,
        ipr_release="103.0",
    )
    yield AnnotationSet(id=OLD_SET, source="goa", ontology_snapshot_id=SNAPSHOT, job_id=JOB)
    yield AnnotationSet(id=NEW_SET, source="goa", ontology_snapshot_id=SNAPSHOT, job_id=JOB)
    yield ProteinGOAnnotation(**annotation(evidence_code="IDA"))
    yield EmbeddingConfig(id=CONFIG, model_name="kmer", layer_indices=[0])
    yield SequenceEmbedding(
        sequence_id=REFERENCE_SEQUENCE, embedding_config_id=CONFIG, embedding=[0.5, 1.0], embedding_dim=2
    )
    yield QuerySet(id=QUERIES, name="asked")
    yield QuerySetEntry(query_set_id=QUERIES, sequence_id=QUERY_SEQUENCE, accession="query-1")
    yield ScoringConfig(id=FORMULA, name="plain", formula="linear")
    yield PredictionSet(
        id=PREDICTIONS,
        embedding_config_id=CONFIG,
        annotation_set_id=OLD_SET,
        ontology_snapshot_id=SNAPSHOT,
        query_set_id=QUERIES,
        scoring_config_id=FORMULA,
        job_id=JOB,
        limit_per_entry=5,
    )
    yield GOPrediction(
        id=1,
        prediction_set_id=PREDICTIONS,
        protein_accession="query-1",
        go_term_id=1,
        ref_protein_accession="P12345",
        distance=0.25,
        score=0.75,
    )
    yield GOPredictionFeatures(prediction_id=1, identity_nw=0.5)
    yield PredictedScores(prediction_set_id=PREDICTIONS, protein_accession="query-2", go_term_ids=[1], scores=[0.5])
    yield EvaluationSet(
        id=EVALUATION,
        old_annotation_set_id=OLD_SET,
        new_annotation_set_id=NEW_SET,
        pivot_snapshot_id=SNAPSHOT,
        job_id=JOB,
    )
    yield Dataset(
        id=DATASET,
        name="frozen",
        operation="export_research_dataset",
        job_id=JOB,
        storage_backend="local",
        key_prefix="datasets/frozen",
        manifest_uri="file:manifest.json",
        schema_sha="0" * 12,
        k=5,
        annotation_source="goa",
        embedding_config_id=CONFIG,
        ontology_snapshot_id=SNAPSHOT,
    )
    yield RerankerModel(
        id=RERANKER,
        name="booster",
        category="nk",
        artifact_uri="file:model.txt",
        prediction_set_id=PREDICTIONS,
        evaluation_set_id=EVALUATION,
        dataset_id=DATASET,
        embedding_config_id=CONFIG,
        ontology_snapshot_id=SNAPSHOT,
    )
    yield EvaluationResult(
        evaluation_set_id=EVALUATION,
        prediction_set_id=PREDICTIONS,
        scoring_config_id=FORMULA,
        reranker_model_id=RERANKER,
        job_id=JOB,
    )


async def build_world(session: AsyncSession) -> None:
    for row in world():
        session.add(row)
        await session.flush()


async def count(session: AsyncSession, table: type[Base]) -> int:
    return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_a_downgrade_does_not_forget_by_which_rule_an_evaluation_set_was_made(engine: AsyncEngine) -> None:
    await alembic(engine, lambda config: command.upgrade(config, "head"))
    async with AsyncSession(engine) as session, session.begin():
        await build_world(session)
        await session.execute(update(EvaluationSet).values(drops_binding_only=True))

    with pytest.raises(DBAPIError, match="delete them first"):
        await alembic(engine, lambda config: command.downgrade(config, "c83d5a1f07be"))

    async with AsyncSession(engine) as session, session.begin():
        await session.execute(delete(EvaluationSet))
    await alembic(engine, lambda config: command.downgrade(config, "c83d5a1f07be"))
    assert await rows(engine, "SELECT version_num FROM alembic_version") == [("c83d5a1f07be",)]


Attribute = InstrumentedAttribute[Any]


@dataclass(frozen=True, slots=True)
class Deletion:
    """Delete the row ``of`` once all rows of ``after`` are gone; ``gone`` tables are then empty, ``cut`` links null."""

    of: tuple[type[Base], Any]
    after: tuple[type[Base], ...] = ()
    gone: tuple[type[Base], ...] = ()
    kept: tuple[type[Base], ...] = ()
    cut: tuple[Attribute, ...] = ()


DELETIONS = {
    "a job keeps its products and its children": Deletion(
        of=(Job, JOB),
        gone=(JobEvent, JobComment, JobBatch),
        kept=(Job, AnnotationSet, PredictionSet, EvaluationSet, EvaluationResult, Dataset),
        cut=(
            Job.parent_job_id,
            Job.waits_for_job_id,
            AnnotationSet.job_id,
            PredictionSet.job_id,
            EvaluationSet.job_id,
            EvaluationResult.job_id,
            Dataset.job_id,
        ),
    ),
    "a free ontology snapshot takes its terms and edges": Deletion(
        of=(OntologySnapshot, SNAPSHOT),
        after=(EvaluationSet, PredictionSet, AnnotationSet),
        gone=(GOTerm, GOTermRelationship),
        kept=(RerankerModel, Dataset),
        cut=(RerankerModel.ontology_snapshot_id, Dataset.ontology_snapshot_id),
    ),
    "a free annotation set takes its annotations": Deletion(
        of=(AnnotationSet, OLD_SET),
        after=(EvaluationSet, PredictionSet),
        gone=(ProteinGOAnnotation,),
        kept=(Protein, GOTerm, OntologySnapshot, AnnotationSet),
    ),
    "a protein takes its annotations and signatures": Deletion(
        of=(Protein, "P12345"), gone=(ProteinGOAnnotation, InterProAnnotation), kept=(Sequence, GOPrediction)
    ),
    "a prediction set takes predictions, features and results": Deletion(
        of=(PredictionSet, PREDICTIONS),
        gone=(GOPrediction, GOPredictionFeatures, PredictedScores, EvaluationResult),
        kept=(RerankerModel, EvaluationSet, QuerySet),
        cut=(RerankerModel.prediction_set_id,),
    ),
    "an evaluation set takes its results": Deletion(
        of=(EvaluationSet, EVALUATION),
        gone=(EvaluationResult,),
        kept=(AnnotationSet, PredictionSet, RerankerModel),
        cut=(RerankerModel.evaluation_set_id,),
    ),
    "a free embedding config goes alone": Deletion(
        of=(EmbeddingConfig, CONFIG),
        after=(SequenceEmbedding, PredictionSet),
        kept=(RerankerModel, Dataset),
        cut=(RerankerModel.embedding_config_id, Dataset.embedding_config_id),
    ),
    "a free sequence takes its embeddings and leaves its proteins": Deletion(
        of=(Sequence, REFERENCE_SEQUENCE), gone=(SequenceEmbedding,), kept=(Protein,), cut=(Protein.sequence_id,)
    ),
    "a query set takes its entries": Deletion(
        of=(QuerySet, QUERIES),
        gone=(QuerySetEntry,),
        kept=(PredictionSet, GOPrediction, Sequence),
        cut=(PredictionSet.query_set_id,),
    ),
    "a scoring config leaves what was scored by it": Deletion(
        of=(ScoringConfig, FORMULA),
        kept=(PredictionSet, EvaluationResult),
        cut=(PredictionSet.scoring_config_id, EvaluationResult.scoring_config_id),
    ),
    "a re-ranker leaves the results it took part in": Deletion(
        of=(RerankerModel, RERANKER), kept=(EvaluationResult,), cut=(EvaluationResult.reranker_model_id,)
    ),
    "a dataset leaves the re-rankers trained on it": Deletion(
        of=(Dataset, DATASET), kept=(RerankerModel,), cut=(RerankerModel.dataset_id,)
    ),
}

BLOCKED = {
    "an ontology snapshot by annotation sets": (
        Deletion(of=(OntologySnapshot, SNAPSHOT), after=(EvaluationSet, PredictionSet)),
        "fk_annotation_set_ontology_snapshot_id",
    ),
    "an ontology snapshot by prediction sets": (
        Deletion(of=(OntologySnapshot, SNAPSHOT)),
        "fk_(annotation|prediction)_set_ontology_snapshot_id",
    ),
    "an annotation set by evaluation sets, as the old one": (
        Deletion(of=(AnnotationSet, OLD_SET), after=(PredictionSet,)),
        "fk_evaluation_set_old_annotation_set_id",
    ),
    "an annotation set by evaluation sets, as the new one": (
        Deletion(of=(AnnotationSet, NEW_SET)),
        "fk_evaluation_set_new_annotation_set_id",
    ),
    "an annotation set by prediction sets": (
        Deletion(of=(AnnotationSet, OLD_SET), after=(EvaluationSet,)),
        "fk_prediction_set_annotation_set_id",
    ),
    "an embedding config by embeddings": (
        Deletion(of=(EmbeddingConfig, CONFIG), after=(PredictionSet,)),
        "fk_sequence_embedding_embedding_config_id",
    ),
    "an embedding config by prediction sets": (
        Deletion(of=(EmbeddingConfig, CONFIG), after=(SequenceEmbedding,)),
        "fk_prediction_set_embedding_config_id",
    ),
    "a sequence by query entries": (
        Deletion(of=(Sequence, QUERY_SEQUENCE)),
        "fk_query_set_entry_sequence_id",
    ),
}


async def perform(session: AsyncSession, deletion: Deletion) -> None:
    for table in deletion.after:
        await session.execute(delete(table))
    table, identity = deletion.of
    row = await session.get_one(table, identity)
    await session.delete(row)
    await session.flush()


@pytest.mark.parametrize("deletion", DELETIONS.values(), ids=DELETIONS.keys())
async def test_deleting(session: AsyncSession, deletion: Deletion) -> None:
    await build_world(session)
    session.expunge_all()

    await perform(session, deletion)

    assert [table.__name__ for table in deletion.gone if await count(session, table)] == []
    assert [table.__name__ for table in deletion.kept if not await count(session, table)] == []
    still_linked = [str(link) for link in deletion.cut if await session.scalar(select(func.count(link)))]
    assert still_linked == []


@pytest.mark.parametrize(("deletion", "constraint"), BLOCKED.values(), ids=BLOCKED.keys())
async def test_deleting_is_blocked(session: AsyncSession, deletion: Deletion, constraint: str) -> None:
    await build_world(session)
    session.expunge_all()

    with pytest.raises(IntegrityError, match=constraint):
        await perform(session, deletion)
