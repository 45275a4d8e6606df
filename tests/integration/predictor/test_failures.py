"""What happens when a prediction job cannot succeed, cannot succeed now, or is done twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from protea_common.db import UnitOfWork, build_session_factory
from protea_common.domain.scoring import PRESETS
from protea_common.jobs import LeaseLostError, cancel_job, claim_batch, consume_batches, consume_jobs
from protea_common.messaging.bus import Acknowledged, DeadLettered
from protea_common.operations import PredictGoTerms
from protea_common.orm import BatchStatus, JobStatus, PredictionSetStatus
from protea_common.runtime import Platform
from protea_predictor.settings import PredictorSettings
from protea_predictor.usecases.predict_batch import PredictBatch
from protea_predictor.usecases.predict_go_terms import CutIntoBatches
from protea_predictor.wiring import Factory, ProcessContext, open_process
from support.predictor_bench import M, PredictorBench, open_bench

NOWHERE = uuid4()
COUNT_ROWS = "SELECT count(*) FROM go_prediction"


@pytest.fixture
async def context(platform: Platform) -> AsyncIterator[ProcessContext]:
    async with open_process(platform, PredictorSettings()) as context:
        yield context


class DroppedConnection(UnitOfWork):
    """Loses its connection when a consumer has written its rows and says so."""

    async def receive(self, consumer: str, event_id: UUID) -> bool:
        await self.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return await super().receive(consumer, event_id)


def predict_batch(context: ProcessContext, unit_of_work: Any) -> PredictBatch:
    return PredictBatch(
        unit_of_work=unit_of_work,
        candidates=Factory(context).create_candidate_maker(),
        reranking=Factory(context).create_reranking(),
        calibrations=context.calibrations,
        metrics=context.platform.metrics,
    )


@pytest.mark.parametrize(
    ("field", "named"),
    [
        ("embedding_config_id", "embedding recipe"),
        ("annotation_set_id", "annotation set"),
        ("query_set_id", "query set"),
        ("scoring_config_id", "scoring recipe"),
    ],
)
async def test_an_unknown_id_fails_the_job(bench: PredictorBench, field: str, named: str) -> None:
    request = await bench.worked_example()

    job = await bench.run(request, **{field: NOWHERE})

    assert (job.status, job.error_code) == (JobStatus.FAILED, "NotFoundError")
    assert f"There is no {named} {NOWHERE}" in (job.error_message or "")
    assert await bench.scalar("SELECT count(*) FROM prediction_set") == 0


async def test_a_permanent_failure_is_a_dead_letter(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    job_id = await bench.submit(request, annotation_set_id=NOWHERE)
    (created,) = await bench.take_messages(job_id)

    outcome = await bench.deliver(created)

    assert isinstance(outcome, DeadLettered)
    assert outcome.error_code == "NotFoundError"


async def test_another_ontology_than_the_annotations_own_is_refused(bench: PredictorBench) -> None:
    request = await bench.worked_example()

    job = await bench.run(request, ontology_snapshot_id=NOWHERE)

    assert job.error_code == "OntologyMismatchError"
    assert str(request.ontology_snapshot_id) in (job.error_message or "")


async def test_without_references_the_job_says_to_embed_them(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    async with bench.world() as world:
        other = request.model_copy(update={"embedding_config_id": await world.add_config()})
        await world.add_query(other, "Q9", (1, 0))

    job = await bench.run(other)

    assert job.error_code == "NoReferencesError"
    assert "protea embed" in (job.error_message or "")


async def test_a_donor_policy_that_allows_nobody_is_named(bench: PredictorBench) -> None:
    request = await bench.worked_example()

    job = await bench.run(request, donor_policy={"reviewed_only": True})

    assert job.error_code == "NoReferencesError"
    assert "that the donor policy allows" in (job.error_message or "")


async def test_queries_none_of_which_is_embedded_fail_the_job(bench: PredictorBench) -> None:
    async with bench.world() as world:
        request = await world.create()
        await world.add_query(request, "Q1", None)

    job = await bench.run(request)

    assert job.error_code == "NoEmbeddedQueriesError"
    assert "None of the 1 proteins" in (job.error_message or "")


async def test_a_recipe_that_needs_a_taxonomy_is_refused_before_anything_is_predicted(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    await bench.run(request)

    job = await bench.run(request, scoring_config_id=PRESETS["composite"].id)

    assert job.error_code == "UncoveredSignalError"
    assert await bench.scalar("SELECT count(*) FROM prediction_set") == 1


async def test_similarity_from_squared_distances_needs_unit_vectors(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    await bench.execute("UPDATE embedding_config SET normalize = false")

    refused = await bench.run(request, metric="l2")
    by_votes = await bench.run(request, metric="l2", scoring_config_id=PRESETS["vote_fraction"].id)

    assert refused.error_code == "SimilarityUndefinedError"
    assert by_votes.status is JobStatus.SUCCEEDED


async def test_a_second_delivery_of_a_job_and_of_its_batch_changes_nothing(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    job_id = await bench.submit(request)
    (created,) = await bench.take_messages(job_id)
    await bench.deliver(created)
    (requested,) = await bench.take_messages(job_id)
    await bench.deliver(requested)
    once = await bench.rows(job_id)

    again = [await bench.deliver(replace(message, redelivered=True)) for message in (created, requested)]

    assert again == [Acknowledged(), Acknowledged()]
    assert await bench.rows(job_id) == once
    assert (await bench.job(job_id)).status is JobStatus.SUCCEEDED
    assert await bench.scalar("SELECT count(*) FROM prediction_set") == 1


async def test_a_batch_whose_connection_drops_leaves_no_rows_and_is_tried_again(
    bench: PredictorBench, context: ProcessContext
) -> None:
    request = await bench.worked_example()
    job_id, (requested,) = await bench.dispatched(request)
    dropping = partial(DroppedConnection, bench.platform.session_factory, source="test")
    handler = consume_batches(predict_batch(context, dropping), bench.platform.consumer_parts(source="test"))

    outcome = await handler(requested)
    rows_after_failure = await bench.scalar(COUNT_ROWS)
    (batch,) = await bench.batches(job_id)
    await bench.deliver_all(job_id)

    assert outcome == Acknowledged()
    assert rows_after_failure == 0
    assert (batch.status, batch.attempt) == (BatchStatus.PENDING, 1)
    assert (await bench.job(job_id)).status is JobStatus.SUCCEEDED
    assert len(await bench.rows(job_id)) == 4


async def test_a_coordinator_without_a_database_is_tried_again(bench: PredictorBench, context: ProcessContext) -> None:
    request = await bench.worked_example()
    job_id = await bench.submit(request)
    (created,) = await bench.take_messages(job_id)
    away = build_session_factory(create_async_engine("postgresql+asyncpg://postgres@127.0.0.1:1/away"))
    use_case = CutIntoBatches(
        unit_of_work=partial(UnitOfWork, away, source="test"),
        alignment=context.alignment,
        features=context.features,
        reranking=Factory(context).create_reranking(),
        calibrations=context.calibrations,
    )
    handler = consume_jobs({"predict_go_terms": use_case}, bench.platform.consumer_parts(source="test"))

    outcome = await handler(created)
    status = (await bench.job(job_id)).status
    await bench.deliver_all(job_id)

    assert (outcome, status) == (Acknowledged(), JobStatus.QUEUED)
    assert (await bench.job(job_id)).status is JobStatus.SUCCEEDED


async def test_a_cache_folder_that_cannot_be_used_is_waited_for(platform: Platform, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.write_text("a file where the folder should be")
    async with open_bench(platform, settings=PredictorSettings(cache_dir=folder)) as bench:
        request = await bench.worked_example()
        job_id, (requested,) = await bench.dispatched(request)

        outcome = await bench.deliver(requested)
        (batch,) = await bench.batches(job_id)
        reason = await bench.scalar("SELECT message FROM job_event WHERE event = 'child.retry_later'")
        folder.unlink()
        await bench.deliver_all(job_id)

        assert (outcome, batch.status) == (Acknowledged(), BatchStatus.PENDING)
        assert "PROTEA_PREDICTOR__CACHE_DIR" in reason
        assert (await bench.job(job_id)).status is JobStatus.SUCCEEDED


async def test_a_job_cancelled_while_its_batch_runs_gets_no_rows(
    bench: PredictorBench, context: ProcessContext
) -> None:
    request = await bench.worked_example()
    job_id, _ = await bench.dispatched(request)
    async with bench.unit_of_work() as work:
        claim = await claim_batch(work, job_id, 0, event_id=uuid4(), lease=timedelta(seconds=20), worker="w")
    assert claim is not None
    async with bench.unit_of_work() as work:
        await cancel_job(work, job_id, reason="user")

    with pytest.raises(LeaseLostError):
        await Factory(context).create_predict_batch()(claim)

    assert await bench.scalar(COUNT_ROWS) == 0
    assert (await bench.prediction_set(job_id)).status is PredictionSetStatus.GENERATING


async def test_a_failed_batch_leaves_its_set_incomplete(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    async with bench.world() as world:
        await world.add_query(request, "Q2", (0, 1))
    job_id, (first, second) = await bench.dispatched(request, batch_size=1)
    await bench.deliver(first)
    await bench.execute("DELETE FROM query_set_entry WHERE accession = 'Q2'")

    outcome = await bench.deliver(second)
    job = await bench.job(job_id)

    assert isinstance(outcome, DeadLettered)
    assert (job.status, job.error_code) == (JobStatus.FAILED, "QueriesGoneError")
    assert (await bench.prediction_set(job_id)).status is PredictionSetStatus.GENERATING


async def test_a_set_deleted_while_its_job_runs_fails_the_job(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    job_id, (requested,) = await bench.dispatched(request)
    await bench.execute("DELETE FROM prediction_set")

    await bench.deliver(requested)
    job = await bench.job(job_id)

    assert job.error_code == "NotFoundError"
    assert "prediction set" in (job.error_message or "")


async def test_a_query_vector_of_another_length_fails_the_job(bench: PredictorBench) -> None:
    async with bench.world() as world:
        request = await world.create()
        await world.add_reference(request, "R1", (1, 0))
        await world.annotate(request, [("R1", M, "IDA", None)])
        await world.add_query(request, "Q1", (1, 0, 0))

    job = await bench.run(request)

    assert job.error_code == "MixedDimensionsError"


async def test_a_payload_from_elsewhere_is_validated_again(bench: PredictorBench) -> None:
    request: PredictGoTerms = await bench.worked_example()
    job_id = await bench.submit(request)
    await bench.execute("UPDATE job SET payload = payload || '{\"limit_per_entry\": 0}'")
    (created,) = await bench.take_messages(job_id)

    await bench.deliver(created)

    assert (await bench.job(job_id)).error_code == "InvalidPayloadError"
