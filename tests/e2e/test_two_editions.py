"""The laptop edition and the five processes do the same job and give the same rows."""

from __future__ import annotations

import asyncio

import pytest

from support.editions import LoadedCluster, Undisturbed
from support.tables import assert_same_predictions


async def test_the_same_proteins_give_the_same_encoder(undisturbed: Undisturbed, cluster: LoadedCluster) -> None:
    assert cluster.references.embedding_config_id == undisturbed.embedding_config_id


async def test_five_processes_give_the_rows_of_the_laptop_edition(
    undisturbed: Undisturbed, cluster: LoadedCluster
) -> None:
    job = cluster.job
    predictions = await asyncio.to_thread(lambda: job.predictions(job.annotate(cluster.references)))

    assert len(predictions) > 1000
    assert_same_predictions(predictions, undisturbed.predictions)


async def test_no_protein_is_its_own_donor(undisturbed: Undisturbed) -> None:
    assert [row for row in undisturbed.predictions if row["protein_accession"] == row["ref_protein_accession"]] == []


@pytest.mark.parametrize("service", ["ingest", "evaluator"])
async def test_sigterm_ends_a_service_with_exit_code_0(cluster: LoadedCluster, service: str) -> None:
    exit_code = await asyncio.to_thread(cluster.processes.stop, service)
    cluster.processes.start(service)
    await asyncio.to_thread(cluster.processes.wait_until_ready, service)

    assert exit_code == 0
