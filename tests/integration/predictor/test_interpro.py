"""InterPro features at serve: from results that were given for queries, and absent for queries without any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from protea_common.db import session_scope
from protea_common.operations import PredictGoTerms
from protea_common.orm import InterProAnnotation, InterProGoMapping, JobStatus, QuerySet, ScoringConfig
from protea_common.runtime import Platform
from support.predictor_bench import A, B, C, M, PredictorBench
from support.training_bench import open_training_bench

Hit = tuple[str, str, str]
"""Residues, member database, InterPro entry."""

MAPPING = (("IPR000001", B), ("IPR000002", A), ("IPR000003", "GO:9999999"))
"""B is below A; the third entry implies a term that the ontology does not have, and a fourth would imply none."""


async def scan(bench: PredictorBench, hits: Sequence[Hit], *, release: str = "5.22-61.0") -> None:
    """Write what InterProScan would find on sequences."""
    async with bench.world() as world:
        for start, (residues, database, entry) in enumerate(hits, start=1):
            values = {
                "sequence_id": await world.add_sequence(residues),
                "source_db": database,
                "accession": entry,
                "start": start,
                "end": start,
                "ipr_release": release,
            }
            await world.session.execute(insert(InterProAnnotation).values(values))


async def map_entries(bench: PredictorBench, pairs: Sequence[tuple[str, str]], *, version: str) -> None:
    async with session_scope(bench.platform.session_factory) as session:
        rows = [{"ipr_accession": entry, "go_id": go_id, "source_version": version} for entry, go_id in pairs]
        await session.execute(insert(InterProGoMapping), rows)


async def add_scoring(bench: PredictorBench, **weights: float) -> UUID:
    config_id = uuid4()
    async with session_scope(bench.platform.session_factory) as session:
        values = {"id": config_id, "name": str(config_id), "formula": "linear", "weights": weights}
        await session.execute(insert(ScoringConfig).values(values))
    return config_id


async def scores(bench: PredictorBench, request: PredictGoTerms, **asked: Any) -> dict[tuple[str, str], float]:
    """Predict by the share of entries alone."""
    scoring = await add_scoring(bench, interpro_score=1.0)
    job = await bench.run(request, scoring_config_id=scoring, **asked)
    assert job.status is JobStatus.SUCCEEDED, job.error_message
    return {(row["protein"], row["go_id"]): row["score"] for row in await bench.rows(job.id)}


@pytest.fixture
async def request_of_two(bench: PredictorBench) -> PredictGoTerms:
    """Two queries beside each other, of which the second was never scanned."""
    request = await bench.worked_example()
    async with bench.world() as world:
        await world.add_query(request, "Q2", (1, 0.1))
    await map_entries(bench, MAPPING, version="2017")
    return request


async def test_entries_of_a_query_speak_for_what_they_imply(
    bench: PredictorBench, request_of_two: PredictGoTerms
) -> None:
    """Of three entries two imply a term of the ontology: one B, and with it A, the other A alone."""
    await scan(
        bench,
        [("MQQ1", "Pfam", "IPR000001"), ("MQQ1", "SMART", "IPR000002"), ("MQQ1", "CDD", "IPR000003")],
    )

    assert await scores(bench, request_of_two, interpro_mapping="2017") == {("Q1", A): 1.0, ("Q1", B): 0.5}


async def test_a_query_without_results_is_absent_and_not_zero(
    bench: PredictorBench, request_of_two: PredictGoTerms
) -> None:
    """Absent is left out of a mean, where 0 would halve it."""
    await scan(bench, [("MQQ1", "Pfam", "IPR000001")])
    scoring = await add_scoring(bench, interpro_score=1.0, term_prior=1.0)

    job = await bench.run(request_of_two, scoring_config_id=scoring, interpro_mapping="2017")

    found = {(row["protein"], row["go_id"]): row["score"] for row in await bench.rows(job.id)}
    assert found["Q1", C] == pytest.approx(1 / 3 / 2, abs=1e-6)  # scanned, and nothing implies C
    assert found["Q2", C] == pytest.approx(1 / 3, abs=1e-6)
    assert (found["Q1", M], found["Q2", M]) == (0.5, 1.0)


async def test_queries_and_proteins_of_one_sequence_share_its_results(
    bench: PredictorBench, request_of_two: PredictGoTerms
) -> None:
    async with bench.world() as world:
        await world.add_query(request_of_two, "Q3", None, residues="MQQ1")
    await scan(bench, [("MQQ1", "ProSiteProfiles", "IPR000001")])

    found = await scores(bench, request_of_two, interpro_mapping="2017")

    assert found == {(query, term): 1.0 for query in ("Q1", "Q3") for term in (A, B)}


async def test_a_release_of_results_or_of_the_mapping_is_taken_alone(
    bench: PredictorBench, request_of_two: PredictGoTerms
) -> None:
    await scan(bench, [("MQQ1", "Pfam", "IPR000001")], release="5.22-61.0")
    await scan(bench, [("MQQ1", "Pfam", "IPR000002")], release="5.67-99.0")
    await map_entries(bench, [("IPR000002", C)], version="2019")

    old = await scores(bench, request_of_two, interpro_mapping="2017", interpro_release="5.22-61.0")
    new = await scores(bench, request_of_two, interpro_mapping="2017", interpro_release="5.67-99.0")
    both = await scores(bench, request_of_two, interpro_mapping="2017")
    mapped = await scores(bench, request_of_two, interpro_mapping="2019")

    assert old == {("Q1", A): 1.0, ("Q1", B): 1.0}
    assert new == {("Q1", A): 1.0}
    assert both == {("Q1", A): 1.0, ("Q1", B): 0.5}
    assert mapped == {("Q1", A): 1.0, ("Q1", C): 1.0}


async def test_batches_of_queries_that_were_not_scanned_are_predicted(
    bench: PredictorBench, request_of_two: PredictGoTerms
) -> None:
    await scan(bench, [("MQQ1", "Pfam", "IPR000002")])

    assert await scores(bench, request_of_two, interpro_mapping="2017", batch_size=1) == {("Q1", A): 1.0}


async def test_results_that_no_query_has_cannot_score(bench: PredictorBench, request_of_two: PredictGoTerms) -> None:
    await scan(bench, [("MQQ1", "Pfam", "IPR000002")], release="5.22-61.0")
    scoring = await add_scoring(bench, interpro_score=1.0)

    for asked in ({"interpro_release": "5.67-99.0"}, {"query_set_id": await another_query(bench, request_of_two)}):
        job = await bench.run(request_of_two, scoring_config_id=scoring, interpro_mapping="2017", **asked)
        assert (job.status, job.error_code) == (JobStatus.FAILED, "FeatureSourceMissingError")
        assert "protea load interproscan" in (job.error_message or "")

    as_features = await bench.run(request_of_two, interpro_mapping="2017", interpro_release="5.67-99.0")
    assert as_features.status is JobStatus.SUCCEEDED


async def another_query(bench: PredictorBench, request: PredictGoTerms) -> UUID:
    """Ask about a protein that was not scanned, in a set of its own."""
    set_id = uuid4()
    async with bench.world() as world:
        await world.session.execute(insert(QuerySet).values(id=set_id, name="others"))
        await world.add_query(request.model_copy(update={"query_set_id": set_id}), "Q9", (1, 0.3))
    return set_id


async def test_a_mapping_that_is_not_loaded_is_refused_with_those_that_are(
    bench: PredictorBench, request_of_two: PredictGoTerms
) -> None:
    job = await bench.run(request_of_two, interpro_mapping="2018")

    assert (job.status, job.error_code) == (JobStatus.FAILED, "FeatureSourceMissingError")
    assert "loaded: 2017" in (job.error_message or "")


async def test_a_dataset_of_a_mapping_that_is_not_loaded_is_refused_at_once(platform: Platform) -> None:
    async with open_training_bench(platform) as training:
        circle = await training.circle()
        job = await training.do(circle.export(interpro_mapping="2018"), "export_research_dataset")

    assert (job.status, job.error_code) == (JobStatus.FAILED, "FeatureSourceMissingError")
    assert "loaded: none" in (job.error_message or "")
    assert job.progress_current is None


async def test_the_receipt_names_the_releases(bench: PredictorBench, request_of_two: PredictGoTerms) -> None:
    job = await bench.run(request_of_two, interpro_mapping="2017", interpro_release="5.22-61.0")

    receipt = (await bench.prediction_set(job.id)).meta
    assert receipt["interpro"] == {"mapping": "2017", "release": "5.22-61.0"}
    assert "interpro" in receipt["feature_families"]
