"""What each of the five processes shows to Prometheus while the main job runs through them."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.cluster import SERVICES
from support.editions import LoadedCluster


def sums(text: str) -> dict[str, float]:
    """Sum of each series over its labels, by name."""
    totals: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            totals[sample.name] = totals.get(sample.name, 0) + sample.value
    return totals


@pytest.fixture(scope="module")
async def shown(cluster: LoadedCluster) -> dict[str, dict[str, float]]:
    """Run a main job that computes vectors; give the metrics of every service."""
    await cluster.database.execute(
        "DELETE FROM sequence_embedding WHERE sequence_id IN (SELECT sequence_id FROM query_set_entry)"
    )
    await asyncio.to_thread(lambda: cluster.job.predictions(cluster.job.annotate(cluster.references)))
    return {service: sums(cluster.processes.metrics(service)) for service in SERVICES}


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_serves_the_metrics_that_rules_are_about(
    shown: dict[str, dict[str, float]], service: str
) -> None:
    for name in ("retries_total", "lease_expiries_total", "db_pool_in_use", "reference_cache_total", "outbox_unsent"):
        assert f"protea_{name}" in shown[service]


def test_the_embedder_counts_tokens_residues_and_the_time_of_its_device(shown: dict[str, dict[str, float]]) -> None:
    embedder = shown["embedder"]

    assert embedder["protea_device_busy_seconds_total"] > 0
    assert embedder["protea_embeddings_residues_total"] > 0
    # Padding can only add to the residues.
    assert embedder["protea_embeddings_batch_tokens_sum"] >= embedder["protea_embeddings_residues_total"]
    assert embedder["protea_embeddings_batch_seconds_count"] >= 1


def test_the_predictor_counts_how_it_got_at_its_references(shown: dict[str, dict[str, float]]) -> None:
    predictor = shown["predictor"]

    assert predictor["protea_reference_cache_total"] == predictor["protea_predictions_batch_seconds_count"] >= 1


def test_the_gateway_looks_at_the_platform_and_counts_requests(shown: dict[str, dict[str, float]]) -> None:
    assert shown["gateway"]["protea_platform_observed_timestamp_seconds"] > 0
    assert shown["gateway"]["protea_http_requests_total"] > 0
    assert shown["ingest"]["protea_platform_observed_timestamp_seconds"] == 0


def test_the_end_of_a_job_is_counted_where_it_was_ended(shown: dict[str, dict[str, float]]) -> None:
    assert shown["predictor"]["protea_jobs_total"] >= 2, "the last step and its pipeline"
