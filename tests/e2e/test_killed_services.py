"""A service that is killed in the middle of its work changes nothing in the result.

The middle is made certain: the test holds a lock on the table that the service is about to write, waits until the work
is claimed, kills the process, and lets go.
"""

from __future__ import annotations

import asyncio

from support.editions import LoadedCluster, Undisturbed
from support.killing import killed_while_writing
from support.main_job import FROZEN_AT
from support.tables import assert_same_predictions


async def test_killing_the_gateway_after_it_accepted_the_job_loses_nothing(
    undisturbed: Undisturbed, cluster: LoadedCluster
) -> None:
    job_id = await asyncio.to_thread(cluster.job.annotate, cluster.references)
    await asyncio.to_thread(cluster.processes.kill, "gateway")
    cluster.processes.start("gateway")

    predictions = await asyncio.to_thread(cluster.job.predictions, job_id)

    assert_same_predictions(predictions, undisturbed.predictions)


async def test_killing_the_embedder_while_it_writes_vectors_changes_no_row(
    undisturbed: Undisturbed, cluster: LoadedCluster
) -> None:
    await cluster.database.execute(
        "DELETE FROM sequence_embedding WHERE sequence_id IN (SELECT sequence_id FROM query_set_entry)"
    )
    claimed = "SELECT count(*) FROM job_batch WHERE status = 'RUNNING' AND kind = 'embeddings.batch'"
    async with killed_while_writing(cluster, "embedder", table="sequence_embedding", claimed=claimed):
        job_id = await asyncio.to_thread(cluster.job.annotate, cluster.references)

    predictions = await asyncio.to_thread(cluster.job.predictions, job_id)

    assert_same_predictions(predictions, undisturbed.predictions)


async def test_killing_the_predictor_while_it_writes_predictions_changes_no_row(
    undisturbed: Undisturbed, cluster: LoadedCluster
) -> None:
    claimed = "SELECT count(*) FROM job_batch WHERE status = 'RUNNING' AND kind = 'predictions.batch'"
    async with killed_while_writing(cluster, "predictor", table="go_prediction", claimed=claimed):
        job_id = await asyncio.to_thread(cluster.job.annotate, cluster.references)

    predictions = await asyncio.to_thread(cluster.job.predictions, job_id)

    assert_same_predictions(predictions, undisturbed.predictions)


async def test_killing_ingest_while_it_writes_annotations_leaves_one_whole_set(cluster: LoadedCluster) -> None:
    claimed = "SELECT count(*) FROM job WHERE status = 'RUNNING' AND operation = 'load_goa_annotations'"
    source = await asyncio.to_thread(cluster.job.upload_annotations)
    async with killed_while_writing(cluster, "ingest", table="protein_go_annotation", claimed=claimed):
        job_id = await asyncio.to_thread(
            cluster.job.submit,
            "load_goa_annotations",
            source_uri=source,
            ontology_snapshot_id=cluster.references.ontology_snapshot_id,
            source_version="killed",
            annotated_before=FROZEN_AT.isoformat(),
        )

    result = await asyncio.to_thread(cluster.job.result, job_id)

    count = "SELECT count(*) FROM protein_go_annotation WHERE annotation_set_id = $1"
    expected = await cluster.database.fetchval(count, cluster.references.old_annotation_set_id)
    assert await cluster.database.fetchval(count, result["annotation_set_id"]) == expected
    assert await cluster.database.fetchval("SELECT count(*) FROM annotation_set WHERE source_version = 'killed'") == 1


async def test_killing_the_evaluator_while_it_writes_its_result_leaves_one_result(cluster: LoadedCluster) -> None:
    job = cluster.job
    prediction_set = await asyncio.to_thread(lambda: job.prediction_set(job.annotate(cluster.references)))
    generated = await asyncio.to_thread(
        lambda: job.run(
            "generate_evaluation_set",
            old_annotation_set_id=cluster.references.old_annotation_set_id,
            new_annotation_set_id=cluster.references.new_annotation_set_id,
        )
    )
    payload = {"evaluation_set_id": generated["evaluation_set_id"], "prediction_set_id": prediction_set}
    undisturbed = await asyncio.to_thread(lambda: job.run("run_cafa_evaluation", **payload))
    claimed = "SELECT count(*) FROM job WHERE status = 'RUNNING' AND operation = 'run_cafa_evaluation'"
    async with killed_while_writing(cluster, "evaluator", table="evaluation_result", claimed=claimed):
        job_id = await asyncio.to_thread(lambda: job.submit("run_cafa_evaluation", **payload))

    result = await asyncio.to_thread(job.result, job_id)

    results = "SELECT results FROM evaluation_result WHERE id = $1"
    assert await cluster.database.fetchval(results, result["evaluation_result_id"]) == await cluster.database.fetchval(
        results, undisturbed["evaluation_result_id"]
    )
    assert await cluster.database.fetchval("SELECT count(*) FROM evaluation_result") == 2


async def test_after_all_that_no_job_is_open_and_no_event_unsent(cluster: LoadedCluster) -> None:
    open_jobs = "SELECT count(*) FROM job WHERE status IN ('QUEUED', 'RUNNING')"
    unsent = "SELECT count(*) FROM outbox_event WHERE sent_at IS NULL"
    async with asyncio.timeout(30):
        while await cluster.database.fetchval(open_jobs) or await cluster.database.fetchval(unsent):
            await asyncio.sleep(0.1)
