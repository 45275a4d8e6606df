"""Predicting with re-rankers: whom they score, that scores agree with the ontology, and mismatches that are loud."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from protea_common.orm import JobStatus
from protea_common.runtime import Platform
from support.boosters import small_booster
from support.predictor_bench import A, B, C, M
from support.training_bench import Circle, TrainingBench, open_training_bench

Scores = dict[tuple[str, str], float]


@pytest.fixture
async def bench(platform: Platform) -> AsyncIterator[TrainingBench]:
    async with open_training_bench(platform) as bench:
        yield bench


async def trained(bench: TrainingBench) -> tuple[Circle, UUID]:
    circle = await bench.circle()
    return circle, await bench.reranker(await bench.dataset(circle))


async def scores(bench: TrainingBench, circle: Circle, *rerankers: UUID) -> Scores:
    job = await bench.run(circle.request, reranker_model_ids=rerankers)
    assert job.status is JobStatus.SUCCEEDED, job.error_message
    return {(row["protein"], row["go_id"]): row["score"] for row in await bench.rows(job.id)}


async def test_scores_are_the_boosters_and_agree_with_the_ontology(bench: TrainingBench) -> None:
    circle, reranker = await trained(bench)

    plain, reranked = await scores(bench, circle), await scores(bench, circle, reranker)

    assert set(plain) == set(reranked)
    assert all(plain[pair] != reranked[pair] for pair in plain)
    for (protein, term), score in reranked.items():
        assert 0 < score <= 1
        if term in {B, C}:  # both below A
            assert reranked[protein, A] >= score


async def test_a_booster_says_a_share_of_the_score_and_the_recipe_the_rest(bench: TrainingBench) -> None:
    circle, reranker = await trained(bench)
    plain, reranked = await scores(bench, circle), await scores(bench, circle, reranker)

    job = await bench.run(circle.request, reranker_model_ids=(reranker,), reranker_share=0.25)

    mixed = {(row["protein"], row["go_id"]): row["score"] for row in await bench.rows(job.id)}
    leaves = [pair for pair in plain if pair[1] in {B, C, M}]  # no other term raises their scores
    assert len(leaves) > 10
    for pair in leaves:
        assert mixed[pair] == pytest.approx(0.25 * reranked[pair] + 0.75 * plain[pair], abs=1e-9)
    assert (await bench.prediction_set(job.id)).meta["reranking"]["share"] == 0.25


async def test_each_query_goes_to_the_booster_of_its_category(bench: TrainingBench) -> None:
    circle, reranker = await trained(bench)
    async with bench.world() as world:  # Q00 is of partial knowledge in one aspect, so of limited in the others
        await world.add_protein("Q00", "MKKNOWN")
        await world.annotate(circle.request, [("Q00", M, "IDA", None)])

    plain, reranked = await scores(bench, circle), await scores(bench, circle, reranker)

    for pair, score in plain.items():
        assert (reranked[pair] == score) == (pair[0] == "Q00")


async def test_electronic_and_negated_annotations_are_no_knowledge(bench: TrainingBench) -> None:
    circle, reranker = await trained(bench)
    async with bench.world() as world:
        await world.add_protein("Q00", "MKKNOWN")
        await world.annotate(circle.request, [("Q00", M, "IEA", None), ("Q00", B, "IDA", "NOT|involved_in")])

    plain, reranked = await scores(bench, circle), await scores(bench, circle, reranker)

    assert all(plain[pair] != reranked[pair] for pair in plain if pair[0] == "Q00")


async def test_the_receipt_names_the_boosters(bench: TrainingBench) -> None:
    circle, reranker = await trained(bench)

    job = await bench.run(circle.request, reranker_model_ids=(reranker,))

    receipt = (await bench.prediction_set(job.id)).meta["reranking"]
    (row,) = await bench.rerankers()
    assert receipt["status"] == "applied"
    assert receipt["models"][0]["model_sha256"] == row.metrics["model_sha256"]
    assert (receipt["models"][0]["name"], receipt["models"][0]["cell"]) == ("circle-nk", "nk")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("UPDATE reranker_model SET schema_sha_v2 = repeat('0', 64)", "defined anew"),
        ("UPDATE reranker_model SET feature_schema_sha = '000000000000'", "other features"),
    ],
)
async def test_a_booster_of_other_features_fails_the_job(bench: TrainingBench, change: str, says: str) -> None:
    circle, reranker = await trained(bench)
    await bench.execute(change)

    job = await bench.run(circle.request, reranker_model_ids=(reranker,))

    assert (job.status, job.error_code) == (JobStatus.FAILED, "SchemaMismatchError")
    assert job.error_message is not None
    assert says in job.error_message


async def test_features_that_are_not_computed_fail_the_job_or_are_warned_of(bench: TrainingBench) -> None:
    circle = await bench.circle()
    dataset = await bench.dataset(circle, compute_lineage=True, alarm_waivers=WAIVERS)
    reranker = await bench.reranker(dataset)

    failed = await bench.run(circle.request, reranker_model_ids=(reranker,))
    kept = await bench.run(circle.request, reranker_model_ids=(reranker,), on_schema_mismatch="keep_knn_order")

    assert (failed.status, failed.error_code) == (JobStatus.FAILED, "SchemaMismatchError")
    assert "Ask for compute_lineage" in (failed.error_message or "")
    assert kept.status is JobStatus.SUCCEEDED
    receipt = (await bench.prediction_set(kept.id)).meta["reranking"]
    assert receipt["status"] == "kept_knn_order"
    assert "lineage" in receipt["mismatch"]
    warnings = await bench.scalar(
        "SELECT count(*) FROM job_event WHERE event = 'reranker.schema_mismatch' AND level = 'warning'"
    )
    assert warnings == 1
    plain = await scores(bench, circle)
    assert {(row["protein"], row["go_id"]): row["score"] for row in await bench.rows(kept.id)} == plain


WAIVERS = dict.fromkeys(
    (
        "qualifier",
        "knn_vote_curated",
        "knn_vote_electronic",
        "lineage_is_ancestor_of_known",
        "lineage_is_descendant_of_known",
        "lineage_ancestor_of_count",
        "lineage_descendant_of_count",
    ),
    "nobody here has any of it",
)


async def test_what_is_no_reranker_fails_the_job(bench: TrainingBench) -> None:
    circle = await bench.circle()

    job = await bench.run(circle.request, reranker_model_ids=(uuid4(),))

    assert (job.status, job.error_code) == (JobStatus.FAILED, "NotFoundError")


async def test_a_booster_whose_file_was_changed_fails_the_job(bench: TrainingBench) -> None:
    circle, reranker = await trained(bench)
    other = small_booster(("distance", "vote_count")).text
    await bench.platform.artifacts.put(f"rerankers/{reranker}/model.txt", other.encode())

    job = await bench.run(circle.request, reranker_model_ids=(reranker,))

    assert (job.status, job.error_code) == (JobStatus.FAILED, "RerankerDamagedError")


async def test_two_boosters_for_the_same_candidates_are_refused(bench: TrainingBench) -> None:
    circle = await bench.circle()
    dataset = await bench.dataset(circle)
    both = (await bench.reranker(dataset), await bench.reranker(dataset, name="again"))

    job = await bench.run(circle.request, reranker_model_ids=both)

    assert (job.status, job.error_code) == (JobStatus.FAILED, "AmbiguousRerankersError")
