"""What is predicted: scores, donors and features by hand, who is a donor and who never is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from protea_common.domain.scoring import PRESETS
from protea_common.operations import DonorPolicy
from protea_common.orm import JobStatus, PredictionSetStatus
from support.predictor_bench import A, B, C, M, PredictorBench


def donors_by_term(rows: list[Any]) -> dict[str, list[str]]:
    return {row["go_id"]: row["donor_accessions"] for row in rows}


async def test_a_worked_example(bench: PredictorBench) -> None:
    request = await bench.worked_example()

    job = await bench.run(request)
    rows = await bench.rows(job.id)

    # Two neighbours in the process pool, R1 at 0.2 and R2 at 0.4; only R2 is in the function pool. The default recipe
    # is half (1 - distance / 2) of the nearest donor and half votes / K. The roots are left out.
    assert [row["go_id"] for row in rows] == [A, B, C, M]
    assert [row["score"] for row in rows] == pytest.approx([0.95, 0.7, 0.65, 0.65])
    assert [row["distance"] for row in rows] == pytest.approx([0.2, 0.2, 0.4, 0.4])
    assert [row["vote_count"] for row in rows] == [2, 1, 1, 1]
    assert [row["k_position"] for row in rows] == [1, 1, 2, 1]
    assert [row["donor_accessions"] for row in rows] == [["R1", "R2"], ["R1"], ["R2"], ["R2"]]
    assert [row["donor_k_positions"] for row in rows] == [[1, 2], [1], [2], [1]]
    assert [row["donor_sequence_ranks"] for row in rows] == [[1, 2], [1], [2], [1]]
    assert rows[0]["donor_distances"] == pytest.approx([0.2, 0.4])
    assert [row["donor_count"] for row in rows] == [2, 1, 1, 1]
    assert [row["evidence_code"] for row in rows] == ["IDA", "IDA", "IEA", "IDA"]
    assert [row["qualifier"] for row in rows] == ["involved_in", "involved_in", None, "enables"]


async def test_features_of_the_worked_example(bench: PredictorBench) -> None:
    request = await bench.worked_example()

    job = await bench.run(request)
    first, *_ = await bench.rows(job.id)

    assert (first["length_query"], first["length_ref"]) == (len("MQQ1"), len("MKR1"))
    assert first["go_term_frequency"] == 3  # all three references carry A by propagation
    assert first["ref_annotation_density"] == 1
    assert first["neighbor_vote_fraction"] == 1.0
    assert first["neighbor_min_distance"] == pytest.approx(0.2)
    assert first["neighbor_mean_distance"] == pytest.approx(0.3)
    # Population deviation of 0.2, 0.4 (process) and 0.4 (function): mean 1/3, squares 4/225 + 1/225 + 1/225, over 3.
    assert first["neighbor_distance_std"] == pytest.approx((6 / 225 / 3) ** 0.5)
    assert first["identity_nw"] is None
    assert first["taxonomic_relation"] is None


async def test_without_evidence_the_same_scores_are_stored_and_nothing_else(bench: PredictorBench) -> None:
    request = await bench.worked_example()

    full = await bench.run(request)
    bare = await bench.run(request, store_evidence=False)

    sets = [(await bench.prediction_set(job.id)) for job in (full, bare)]
    assert [each.prediction_count for each in sets] == [4, 4]
    assert [each.status for each in sets] == [PredictionSetStatus.COMPLETE] * 2
    assert sets[1].meta["store_evidence"] is False
    one, other = [await bench.scores(each.id) for each in sets]
    assert one == other
    assert len(one) == 4
    assert await bench.rows(bare.id) == []  # they are read with their features
    assert await bench.scalar("SELECT count(*) FROM go_prediction") == 4  # of the other set


async def test_the_job_ends_with_its_set_complete(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    async with bench.world() as world:
        await world.add_query(request, "Q2", (0, 1))
        await world.add_query(request, "Q3", None)

    job = await bench.run(request, batch_size=1)
    prediction_set = await bench.prediction_set(job.id)
    rows = await bench.rows(job.id)

    assert job.status is JobStatus.SUCCEEDED
    assert job.result == {
        "prediction_set_id": str(prediction_set.id),
        "queries": 2,
        "skipped_queries": 1,
        "predictions": len(rows),
        "batches": 2,
    }
    assert prediction_set.status is PredictionSetStatus.COMPLETE
    assert prediction_set.prediction_count == len(rows)
    assert [(row["protein"], row["go_id"]) for row in rows] == sorted((row["protein"], row["go_id"]) for row in rows)
    assert {row["protein"] for row in rows} == {"Q1", "Q2"}


async def test_the_receipt_says_how_the_set_was_made(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    async with bench.world() as world:
        await world.add_query(request, "Q2", None)

    job = await bench.run(request, donor_policy={"evidence_codes": ["IDA", "IEA"]})
    prediction_set = await bench.prediction_set(job.id)
    receipt = prediction_set.meta

    assert receipt["job_id"] == str(job.id)
    assert (receipt["metric"], receipt["search_backend"], receipt["limit_per_entry"]) == ("cosine", "numpy", 2)
    assert (receipt["aspect_separated_knn"], receipt["expand_votes_to_ancestors"]) == (True, True)
    assert receipt["donor_policy"] == {
        "evidence_codes": ["IDA", "IEA"],
        "reviewed_only": False,
        "taxon_ids": None,
        "excluded_taxon_ids": [],
        "annotated_until": None,
    }
    assert receipt["references"]["count"] == 3
    assert receipt["references"]["pool_sizes"] == {
        "biological_process": 3,
        "cellular_component": 0,
        "molecular_function": 1,
    }
    assert len(receipt["references"]["digest"]) == 32
    assert (receipt["own_accession"], receipt["same_sequence"]) == ("excluded", "kept and flagged")
    assert receipt["scoring"]["name"] == "embedding_plus_vote"
    assert receipt["skipped_queries"] == {"count": 1, "first": ["Q2"]}
    assert prediction_set.scoring_config_id == PRESETS["embedding_plus_vote"].id


async def test_the_presets_are_stored_once(bench: PredictorBench) -> None:
    request = await bench.worked_example()

    for batch_size in (1, 2):
        await bench.run(request, batch_size=batch_size)

    assert await bench.scalar("SELECT count(*) FROM scoring_config") == len(PRESETS)


async def test_a_chosen_scoring_recipe_scores(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    await bench.run(request)

    job = await bench.run(request, scoring_config_id=PRESETS["evidence_veto"].id)
    rows = await bench.rows(job.id)

    # Similarity times the weight of the donor's evidence: 1 for IDA, 0.8 for IEA.
    assert {row["go_id"]: row["score"] for row in rows} == pytest.approx({A: 0.9, B: 0.9, C: 0.64, M: 0.8})


async def test_without_expansion_only_direct_terms_are_predicted(bench: PredictorBench) -> None:
    request = await bench.worked_example()

    job = await bench.run(request, expand_votes_to_ancestors=False)

    assert donors_by_term(await bench.rows(job.id)) == {B: ["R1"], C: ["R2"], M: ["R2"]}


async def test_one_shared_pool_gives_the_terms_of_the_nearest_only(bench: PredictorBench) -> None:
    request = await bench.worked_example()

    job = await bench.run(request, aspect_separated_knn=False, limit_per_entry=1)

    assert donors_by_term(await bench.rows(job.id)) == {A: ["R1"], B: ["R1"]}


async def test_neighbours_beyond_the_threshold_are_no_donors(bench: PredictorBench) -> None:
    request = await bench.worked_example()

    job = await bench.run(request, distance_threshold=0.3)

    assert donors_by_term(await bench.rows(job.id)) == {A: ["R1"], B: ["R1"]}


async def test_squared_distances_score_like_cosine_on_unit_vectors(bench: PredictorBench) -> None:
    async with bench.world() as world:
        request = await world.create()
        await world.add_reference(request, "R1", (0, 1))
        await world.annotate(request, [("R1", M, "IDA", None)])
        await world.add_query(request, "Q1", (1, 0))

    job = await bench.run(request, metric="l2", limit_per_entry=1)
    (row,) = await bench.rows(job.id)

    assert row["distance"] == 2.0  # squared length of (1, -1); cosine distance 1
    assert row["score"] == 0.75  # similarity 0.5, votes 1 of 1


async def test_the_own_accession_is_no_donor_and_the_same_sequence_is_flagged(bench: PredictorBench) -> None:
    async with bench.world() as world:
        request = await world.create()
        await world.add_reference(request, "P1", (1, 0), residues="MKV")
        await world.add_protein("P2", "MKV")
        await world.add_reference(request, "P3", (4, 3))
        await world.annotate(request, [("P1", M, "IDA", None), ("P2", B, "IDA", None), ("P3", C, "IDA", None)])
        await world.add_query(request, "P1", None, residues="MKV")

    job = await bench.run(request)
    rows = await bench.rows(job.id)

    assert donors_by_term(rows) == {A: ["P2", "P3"], B: ["P2"], C: ["P3"]}  # M is only known of P1 itself
    assert {row["go_id"]: row["same_sequence"] for row in rows} == {A: True, B: True, C: False}
    assert rows[0]["donor_distances"] == pytest.approx([0.0, 0.2])


async def test_proteins_of_one_sequence_are_donors_each(bench: PredictorBench) -> None:
    async with bench.world() as world:
        request = await world.create()
        await world.add_reference(request, "P1", (1, 0), residues="MKV")
        await world.add_protein("P2", "MKV")
        await world.annotate(request, [("P1", M, "IDA", None), ("P2", M, "IEA", None)])
        await world.add_query(request, "Q1", (4, 3))

    job = await bench.run(request)
    (row,) = await bench.rows(job.id)

    assert row["donor_accessions"] == ["P1", "P2"]
    assert row["donor_k_positions"] == [1, 2]
    assert row["donor_sequence_ranks"] == [1, 1]


async def test_a_negated_annotation_is_never_transferred(bench: PredictorBench) -> None:
    async with bench.world() as world:
        request = await world.create()
        await world.add_reference(request, "R1", (1, 0))
        await world.add_reference(request, "R2", (4, 3))
        await world.annotate(request, [("R1", B, "IDA", "NOT|involved_in"), ("R2", C, "IDA", None)])
        await world.add_query(request, "Q1", (1, 0))

    job = await bench.run(request)
    receipt = (await bench.prediction_set(job.id)).meta

    assert donors_by_term(await bench.rows(job.id)) == {A: ["R2"], C: ["R2"]}
    assert receipt["references"]["count"] == 1


async def test_only_reviewed_proteins_are_donors_where_that_is_asked_for(bench: PredictorBench) -> None:
    async with bench.world() as world:
        request = await world.create()
        await world.add_reference(request, "R1", (1, 0), reviewed=False)
        await world.add_reference(request, "R2", (4, 3), reviewed=True)
        await world.add_reference(request, "R3", (3, 4))
        await world.annotate(request, [("R1", M, "IDA", None), ("R2", M, "IDA", None), ("R3", M, "IDA", None)])
        await world.add_query(request, "Q1", (1, 0))

    job = await bench.run(request, donor_policy={"reviewed_only": True})

    assert donors_by_term(await bench.rows(job.id)) == {M: ["R2"]}


async def test_only_allowed_evidence_is_transferred(bench: PredictorBench) -> None:
    request = await bench.worked_example()

    job = await bench.run(request, donor_policy={"evidence_codes": ["IDA"]})

    assert donors_by_term(await bench.rows(job.id)) == {A: ["R1"], B: ["R1"], M: ["R2"]}


@pytest.mark.parametrize(
    ("policy", "donors"),
    [
        ({"taxon_ids": [9606, 10090]}, ["R1", "R2"]),
        ({"taxon_ids": [10090]}, ["R2"]),
        ({"excluded_taxon_ids": [9606]}, ["R2", "R3"]),  # R3 has no taxon
        ({"taxon_ids": [9606, 10090], "excluded_taxon_ids": [559292]}, ["R1", "R2"]),
    ],
    ids=["either taxon", "one taxon", "all but one", "both filters"],
)
async def test_only_donors_of_allowed_taxa_are_taken(
    bench: PredictorBench, policy: dict[str, Any], donors: list[str]
) -> None:
    request = await bench.worked_example()
    await bench.execute("UPDATE protein SET taxonomy_id = 9606 WHERE accession = 'R1'")
    await bench.execute("UPDATE protein SET taxonomy_id = 10090 WHERE accession = 'R2'")

    job = await bench.run(request, donor_policy=policy)

    assert sorted({donor for row in await bench.rows(job.id) for donor in row["donor_accessions"]}) == donors


async def test_only_annotations_that_are_old_enough_are_transferred(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    await bench.execute("UPDATE protein_go_annotation SET annotation_date = '20240131' WHERE protein_accession = 'R1'")
    await bench.execute("UPDATE protein_go_annotation SET annotation_date = '20240201' WHERE protein_accession = 'R2'")

    job = await bench.run(request, donor_policy={"annotated_until": date(2024, 1, 31)})

    assert donors_by_term(await bench.rows(job.id)) == {A: ["R1"], B: ["R1"]}
    assert (await bench.prediction_set(job.id)).meta["donor_policy"]["annotated_until"] == "2024-01-31"


@pytest.mark.parametrize("policy", [{"annotated_until": date(2024, 1, 31)}, {"taxon_ids": [9606]}])
async def test_no_filter_lets_a_denial_donate(bench: PredictorBench, policy: dict[str, Any]) -> None:
    async with bench.world() as world:
        request = await world.create()
        await world.add_reference(request, "R1", (1, 0))
        await world.add_reference(request, "R2", (4, 3))
        await world.annotate(request, [("R1", M, "IDA", "NOT|enables"), ("R2", M, "IDA", "enables")])
        await world.add_query(request, "Q1", (1, 0))
    await bench.execute("UPDATE protein SET taxonomy_id = 9606")
    await bench.execute("UPDATE protein_go_annotation SET annotation_date = '20200101'")

    job = await bench.run(request, donor_policy=policy)

    assert donors_by_term(await bench.rows(job.id)) == {M: ["R2"]}


def test_a_taxon_that_is_let_in_and_left_out_is_refused() -> None:
    with pytest.raises(ValueError, match=r"both name \[9606\]"):
        DonorPolicy(taxon_ids=(9606,), excluded_taxon_ids=(9606, 10090))


async def test_a_term_that_is_not_live_is_never_predicted(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    await bench.execute("UPDATE go_term SET is_obsolete = true WHERE go_id = 'GO:0000003'")

    job = await bench.run(request)

    # R2 gives no process any more, so R3 is the second neighbour.
    assert donors_by_term(await bench.rows(job.id)) == {A: ["R1", "R3"], B: ["R1", "R3"], M: ["R2"]}


async def test_a_query_without_neighbours_has_no_rows(bench: PredictorBench) -> None:
    request = await bench.worked_example()

    job = await bench.run(request, distance_threshold=0.1)

    assert job.status is JobStatus.SUCCEEDED
    assert await bench.rows(job.id) == []
    assert (await bench.prediction_set(job.id)).status is PredictionSetStatus.COMPLETE


async def test_no_stored_parent_scores_below_its_child(bench: PredictorBench) -> None:
    # A is known electronically of the nearest protein, B by experiment of another: on its own A would score 0.77.
    async with bench.world() as world:
        request = await world.create()
        await world.add_reference(request, "R1", (12, 5))
        await world.add_reference(request, "R2", (4, 3))
        await world.annotate(request, [("R1", A, "IEA", None), ("R2", B, "IDA", None)])
        await world.add_query(request, "Q1", (1, 0))
    await bench.run(request, batch_size=2)

    job = await bench.run(request, scoring_config_id=PRESETS["evidence_veto"].id)
    scores = {row["go_id"]: row["score"] for row in await bench.rows(job.id)}

    assert scores[B] == pytest.approx(0.9)
    assert scores[A] == scores[B]


async def test_two_runs_give_identical_rows(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    async with bench.world() as world:
        for number in range(5):
            await world.add_query(request, f"X{number}", (number, 7))

    first = await bench.run(request, batch_size=3)
    second = await bench.run(request, batch_size=3)

    assert await bench.rows(first.id) == await bench.rows(second.id)
