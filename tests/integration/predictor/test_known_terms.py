"""What is known of queries, as features, as signals and as candidates, in serving and in training."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from math import isnan
from typing import Any
from uuid import UUID, uuid4

import pyarrow.parquet as pq
import pytest
from sqlalchemy import insert, select

from protea_common.db import session_scope
from protea_common.orm import JobStatus, Protein, QuerySetEntry, ScoringConfig
from protea_common.runtime import Platform
from support.predictor_bench import A, B, C, M, PredictorBench
from support.training_bench import Circle, TrainingBench, open_training_bench

ASKED = {
    "compute_profile": True,
    "compute_association": True,
    "compute_species_prior": True,
    "compute_term_gains": True,
    "compute_links": True,
    "known_term_candidates": True,
}
NOTHING_KNOWN = (
    "neighbor_distance_std",
    "association_total",
    "association_cross",
    "association_present",
    "knn_aspect_vote",
)
"""Features that say nothing of the training window, of whose proteins nothing is known, or that do not vary here."""

SIGNALS = (
    "knn_aspect_vote_experimental",
    "profile_vote",
    "profile_vote_experimental",
    "association_max",
    "association_mean",
    "term_prior_species",
    "term_gains_species",
    "interaction_vote",
    "publication_vote",
)


@pytest.fixture
async def training(platform: Platform) -> AsyncIterator[TrainingBench]:
    async with open_training_bench(platform) as bench:
        yield bench


async def add_scoring(bench: PredictorBench, weights: dict[str, float], **changes: Any) -> UUID:
    config_id = uuid4()
    values = {"id": config_id, "name": f"test {config_id}", "formula": "linear", "weights": weights} | changes
    async with session_scope(bench.platform.session_factory) as session:
        await session.execute(insert(ScoringConfig).values(values))
    return config_id


async def test_a_common_term_is_a_candidate_without_a_donor(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    changes = {"limit_per_entry": 1, "scoring_config_id": await add_scoring(bench, {"term_prior": 1.0})}

    plain = await bench.run(request, **changes)
    asked = await bench.run(request, known_term_candidates=True, **changes)

    assert [row["go_id"] for row in await bench.rows(plain.id)] == [A, B, M]
    rows = {row["go_id"]: row for row in await bench.rows(asked.id)}
    assert sorted(rows) == [A, B, C, M]
    assert rows[C]["score"] == pytest.approx(1 / 3, abs=1e-6)
    assert [rows[C][name] for name in ("donor", "distance", "evidence_code", "qualifier", "k_position")] == [None] * 5
    assert (rows[C]["vote_count"], rows[C]["donor_accessions"], rows[C]["go_term_frequency"]) == (0, [], 1)
    assert [rows[C][name] for name in ("length_ref", "ref_annotation_density", "neighbor_min_distance")] == [None] * 3


async def test_scores_alone_are_those_of_the_same_candidates(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    changes = {
        "limit_per_entry": 1,
        "known_term_candidates": True,
        "scoring_config_id": await add_scoring(bench, {"term_prior": 1.0}),
    }

    whole = await bench.run(request, **changes)
    bare = await bench.run(request, store_evidence=False, **changes)

    first, second = [await bench.scores((await bench.prediction_set(job.id)).id) for job in (whole, bare)]
    assert sorted(term for _, term in first) == [A, B, C, M]
    assert first == second


async def test_a_batch_whose_candidates_have_no_donor_is_scored_by_what_they_have(bench: PredictorBench) -> None:
    """Q2 has no neighbour within the threshold; whether it is alone in its batch changes nothing."""
    request = await bench.worked_example()
    async with bench.world() as world:
        await world.add_query(request, "Q2", (-1, 0))
    scoring = await add_scoring(bench, {"embedding_similarity": 1.0, "identity_nw": 1.0, "term_prior": 1.0})
    asked = {"distance_threshold": 0.9, "known_term_candidates": True, "scoring_config_id": scoring}

    together = await bench.run(request, **asked)
    apart = await bench.run(request, batch_size=1, **asked)

    first, second = [
        {(row["protein"], row["go_id"]): row["score"] for row in await bench.rows(job.id)} for job in (together, apart)
    ]
    assert first["Q2", B] == pytest.approx(2 / 3, abs=1e-6)
    assert first == second


async def test_references_annotated_like_the_query_vote(bench: PredictorBench) -> None:
    """R1 has what is known of the query, its process, and therefore gives it its function; R3 has another process."""
    request = await bench.worked_example()
    async with bench.world() as world:
        await world.add_protein("Q1", "MKQ1")
        await world.annotate(request, [("Q1", B, "IDA", None), ("R1", M, "IDA", None), ("R3", C, "IDA", None)])
    scoring = await add_scoring(bench, {"profile_vote_experimental": 1.0})

    job = await bench.run(request, limit_per_entry=1, scoring_config_id=scoring, **ASKED)

    assert {row["go_id"]: row["score"] for row in await bench.rows(job.id)} == {A: 1.0, B: 1.0, M: 1.0}
    families = (await bench.prediction_set(job.id)).meta["feature_families"]
    assert {"profile", "association", "species"} <= set(families)


async def test_a_query_is_scored_by_the_weights_of_its_category_in_each_aspect(bench: PredictorBench) -> None:
    """Of Q1 a process is known, so its function is of limited knowledge; of Q2 nothing is."""
    request = await bench.worked_example()
    async with bench.world() as world:
        await world.add_protein("Q1", "MKQ1")
        await world.annotate(request, [("Q1", B, "IDA", None)])
        await world.add_query(request, "Q2", (1, 0.1))
    cells = {"pk-bpo": {"knn_weighted_vote": 1.0}, "lk-mfo": {"embedding_similarity": 1.0}}
    scoring = await add_scoring(bench, {"term_prior": 1.0}, cell_weights=cells, missing="zero")

    job = await bench.run(request, scoring_config_id=scoring)

    rows = {(row["protein"], row["go_id"]): row["score"] for row in await bench.rows(job.id)}
    assert [rows["Q1", term] for term in (A, B, C)] == pytest.approx([1.0, 0.9 / 1.7, 0.8 / 1.7], abs=1e-3)
    assert rows["Q1", M] == pytest.approx(0.8, abs=1e-3)
    assert [rows["Q2", term] for term in (A, B, C, M)] == pytest.approx([1.0, 2 / 3, 1 / 3, 1.0], abs=1e-3)
    told = (await bench.prediction_set(job.id)).meta["scoring"]
    assert (told["cell_weights"], told["missing"]) == ({"lk-mfo": cells["lk-mfo"], "pk-bpo": cells["pk-bpo"]}, "zero")


async def test_what_nothing_is_known_of_has_no_profile(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    scoring = await add_scoring(bench, {"profile_vote": 1.0})
    job = await bench.run(request, compute_profile=True, scoring_config_id=scoring)
    assert job.status is JobStatus.SUCCEEDED
    assert await bench.rows(job.id) == []


async def test_training_and_serving_have_the_same_values(training: TrainingBench) -> None:
    circle = await training.circle()
    await tell(training, circle)
    waivers = circle.export().alarm_waivers | dict.fromkeys((*SIGNALS, *NOTHING_KNOWN), "few proteins")
    await training.dataset(circle, alarm_waivers=waivers, limit_per_entry=1, **ASKED)
    parquet = await training.platform.artifacts.get("datasets/circle/eval.parquet")
    rows = pq.read_table(io.BytesIO(parquet)).to_pylist()
    await ask_about(training, circle, sorted({row["protein_accession"] for row in rows}))
    assert any(not row["vote_count"] for row in rows)

    for signal in SIGNALS:
        scoring = await add_scoring(training, {signal: 1.0})
        job = await training.run(circle.request, scoring_config_id=scoring, limit_per_entry=1, **ASKED)
        served = {(row["protein"], row["go_id"]): row["score"] for row in await training.rows(job.id)}
        learnt = values_of(rows, signal)
        assert max(learnt.values()) > 0.2, signal
        for (protein, go_id), value in learnt.items():
            below = (A, B, C) if go_id == A else (go_id,)
            raised = max(value, *(learnt.get((protein, term), 0.0) for term in below))
            assert served.get((protein, go_id), 0.0) == pytest.approx(raised, abs=1e-5), (signal, protein, go_id)


async def tell(training: TrainingBench, circle: Circle) -> None:
    """Write what was known at t0 of proteins that gained terms after it: of some by experiment, of some otherwise."""
    gaining = [f"P{number:04d}" for number in range(240, 300)]
    async with training.world() as world:
        stated = [(name, B, "IDA", None) for name in gaining[::3]] + [(name, C, "ISS", None) for name in gaining[1::3]]
        await world.annotate(circle.request, stated)
    await training.execute("UPDATE protein SET taxonomy_id = 7227 WHERE accession < 'P0150'")
    await training.execute("UPDATE protein SET taxonomy_id = 9606 WHERE accession >= 'P0150'")
    await tell_when_and_where(training)


async def tell_when_and_where(training: TrainingBench) -> None:
    """Date the annotations, half of them in the last year before t0; let papers and interactions link proteins."""
    annotations = "UPDATE protein_go_annotation SET"
    await training.execute(
        f"{annotations} annotation_date = '20140101', db_reference = 'PMID:' || right(protein_accession, 2)"
    )
    await training.execute(f"{annotations} annotation_date = '20161201' WHERE protein_accession >= 'P0100'")
    partners = "with_from = 'UniProtKB:P0007|UniProtKB:P0100-2'"
    shown = "protein_accession >= 'P0240' AND evidence_code = 'IDA'"
    await training.execute(f"{annotations} evidence_code = 'IPI', {partners} WHERE {shown}")


async def ask_about(training: TrainingBench, circle: Circle, accessions: list[str]) -> None:
    async with training.world() as world:
        for accession in accessions:
            sequence_id = await world.session.scalar(select(Protein.sequence_id).where(Protein.accession == accession))
            entry = {"query_set_id": circle.request.query_set_id, "accession": accession, "sequence_id": sequence_id}
            await world.session.execute(insert(QuerySetEntry).values(entry))


def values_of(rows: list[dict[str, Any]], signal: str) -> dict[tuple[str, str], float]:
    """Values by protein and term; absent ones score 0."""
    return {
        (row["protein_accession"], row["go_id"]): 0.0 if row[signal] is None or isnan(row[signal]) else row[signal]
        for row in rows
    }
