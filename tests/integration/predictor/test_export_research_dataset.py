"""Exporting a dataset: rows, files, the manifest and the row that names them; and what is refused."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from hashlib import sha256
from math import log2
from typing import Any
from uuid import uuid4

import pyarrow.parquet as pq
import pytest
from sqlalchemy import insert, select

from protea_common.db import session_scope
from protea_common.domain.scoring import PRESETS
from protea_common.messaging.bus import Acknowledged, DeadLettered
from protea_common.orm import InterProGoMapping, InterProGoRelease, JobStatus, Protein, QuerySetEntry
from protea_common.runtime import Platform
from support.predictor_bench import A, B, C
from support.training_bench import AwayArtifactStore, TrainingBench, open_training_bench

OPERATION = "export_research_dataset"


@pytest.fixture
async def bench(platform: Platform) -> AsyncIterator[TrainingBench]:
    async with open_training_bench(platform) as bench:
        yield bench


async def table(bench: TrainingBench, file: str) -> Any:
    return pq.read_table(io.BytesIO(await bench.platform.artifacts.get(f"datasets/circle/{file}")))


async def test_a_dataset_is_files_and_a_row_that_names_them(bench: TrainingBench) -> None:
    circle = await bench.circle()

    job = await bench.do(circle.export(), OPERATION)

    assert job.status is JobStatus.SUCCEEDED, job.error_message
    (row,) = await bench.datasets()
    manifest_bytes = await bench.platform.artifacts.get("datasets/circle/manifest.json")
    manifest = json.loads(manifest_bytes)
    train = await table(bench, "train.parquet")
    assert row.manifest_sha == sha256(manifest_bytes).hexdigest()
    assert (row.n_train_rows, manifest["rows"]["train"]) == (train.num_rows, train.num_rows)
    assert manifest["schema_version"] == 2
    assert manifest["columns"] == train.column_names
    assert row.train_snapshot_pairs == ["v2015-v2016"]
    assert row.eval_snapshot_pair == "v2017-v2018"
    for file in manifest["files"]:
        content = await bench.platform.artifacts.get(f"datasets/circle/{file['name']}")
        assert (sha256(content).hexdigest(), len(content)) == (file["sha256"], file["size_bytes"])
    assert (job.progress_current, job.progress_total) == (150, 150)


async def test_rows_are_what_predictions_of_the_same_proteins_have(bench: TrainingBench) -> None:
    circle = await bench.circle()
    await bench.dataset(circle)
    evaluated = (await table(bench, "eval.parquet")).to_pylist()
    accessions = sorted({row["protein_accession"] for row in evaluated})
    async with bench.world() as world:
        for accession in accessions:
            sequence_id = await world.session.scalar(select(Protein.sequence_id).where(Protein.accession == accession))
            entry = {"query_set_id": circle.request.query_set_id, "accession": accession, "sequence_id": sequence_id}
            await world.session.execute(insert(QuerySetEntry).values(entry))

    job = await bench.run(circle.request)

    predicted = {(row["protein"], row["go_id"]): row for row in await bench.rows(job.id)}
    assert len(evaluated) > 100
    for row in evaluated:
        served = predicted[row["protein_accession"], row["go_id"]]
        for name in SERVED:
            assert row[name] == pytest.approx(served[name], rel=1e-6), name


async def test_information_accretion_is_that_of_the_experimental_annotations_at_t0(bench: TrainingBench) -> None:
    circle = await bench.circle()
    waivers = circle.export().alarm_waivers | {"ia": "few terms are left to tell apart"}

    await bench.dataset(circle, compute_information=True, alarm_waivers=waivers)

    for file, before in (("train.parquet", 2015), ("eval.parquet", 2017)):
        rows = (await table(bench, file)).to_pylist()
        carriers = {
            go_id: await bench.scalar(CARRIERS.format(year=before, terms=terms))
            for go_id, terms in ((A, f"'{A}', '{B}', '{C}'"), (B, f"'{B}'"))
        }
        # Both are below one term: A below the root, which the proteins with A have; B below A.
        expected = {B: -log2((carriers[B] + 1) / (carriers[A] + 1)), A: 0.0}
        for go_id, bits in expected.items():
            (found,) = {row["ia"] for row in rows if row["go_id"] == go_id}
            assert found == pytest.approx(bits, rel=1e-6)


CARRIERS = """
    SELECT count(DISTINCT a.protein_accession) FROM protein_go_annotation a
    JOIN annotation_set s ON s.id = a.annotation_set_id JOIN go_term t ON t.id = a.go_term_id
    WHERE s.source_version = '{year}' AND t.go_id IN ({terms}) AND a.evidence_code <> 'IEA'
"""

SERVED = (
    "distance",
    "vote_count",
    "k_position",
    "length_query",
    "length_ref",
    "go_term_frequency",
    "ref_annotation_density",
    "neighbor_distance_std",
    "neighbor_vote_fraction",
    "neighbor_min_distance",
    "neighbor_mean_distance",
)


async def test_labels_are_the_gained_terms_with_their_ancestors(bench: TrainingBench) -> None:
    circle = await bench.circle()
    await bench.dataset(circle)
    rows = (await table(bench, "train.parquet")).to_pylist()
    gained = {
        (line["protein_accession"], line["aspect"]): line["terms"]
        for line in (await table(bench, "eval-truth.parquet")).to_pylist()
    }

    by_protein = {(row["protein_accession"], row["go_id"]): row["label"] for row in rows}
    assert {row["category"] for row in rows} == {"nk"}
    for (protein, term), label in by_protein.items():
        if term in {B, C} and label:
            assert by_protein[protein, A]  # true with what is below it
    assert not {row["go_id"] for row in rows} & {"GO:0008150", "GO:0003674"}
    assert all(terms >= 1 for terms in gained.values())


async def test_false_candidates_behind_the_best_are_drawn_and_stand_for_the_others(bench: TrainingBench) -> None:
    circle = await bench.circle()
    await bench.dataset(circle)
    await bench.dataset(circle, output_name="thin", best_per_aspect=1, share_of_others=0.25)

    every = (await table(bench, "train.parquet")).to_pylist()
    content = await bench.platform.artifacts.get("datasets/thin/train.parquet")
    thinned = pq.read_table(io.BytesIO(content)).to_pylist()
    manifest = json.loads(await bench.platform.artifacts.get("datasets/thin/manifest.json"))

    assert {row["multiplicity"] for row in every} == {1.0}
    assert {row["multiplicity"] for row in thinned} == {1.0, 4.0}
    assert len(thinned) < len(every)
    assert [row for row in thinned if row["label"]] == [row for row in every if row["label"]]
    best: dict[tuple[str, str], float] = {}
    for row in every:
        cell = (row["protein_accession"], row["aspect"])
        best[cell] = max(best.get(cell, 0.0), row["score"])
    drawn = [row for row in thinned if row["multiplicity"] == 4.0]
    assert not any(row["label"] for row in drawn)
    assert all(row["score"] <= best[row["protein_accession"], row["aspect"]] for row in drawn)
    stated = manifest["parameters"]
    assert (stated["best_per_aspect"], stated["share_of_others"], stated["thinning_seed"]) == (1, 0.25, 0)
    counted = sum(row["multiplicity"] for row in thinned)
    assert sum(cell["candidates"] for cell in manifest["cells"]["train"].values()) == counted
    assert counted == pytest.approx(len(every), rel=0.25)


async def test_the_scores_of_rows_are_those_of_the_recipe_that_ranks_them(bench: TrainingBench) -> None:
    circle = await bench.circle()
    await bench.dataset(circle)
    await bench.dataset(circle, output_name="voted", scoring_config_id=str(PRESETS["vote_fraction"].id))

    content = await bench.platform.artifacts.get("datasets/voted/train.parquet")
    rows = pq.read_table(io.BytesIO(content)).to_pylist()

    assert any(
        row["score"] != row["neighbor_vote_fraction"] for row in (await table(bench, "train.parquet")).to_pylist()
    )
    assert all(
        row["score"] == pytest.approx(row["neighbor_vote_fraction"], abs=1e-6) for row in rows if row["go_id"] in {B, C}
    )


async def test_a_second_delivery_changes_nothing(bench: TrainingBench) -> None:
    circle = await bench.circle()
    job_id = await bench.submit_training(circle.export(), OPERATION)
    (message,) = await bench.take_messages(job_id)

    outcomes = [await bench.deliver(message), await bench.deliver(message)]

    assert outcomes == [Acknowledged(), Acknowledged()]
    assert len(await bench.datasets()) == 1


async def test_the_same_windows_give_the_same_bytes(bench: TrainingBench) -> None:
    circle = await bench.circle()
    await bench.dataset(circle)
    await bench.dataset(circle, output_name="again")

    first, second = [
        json.loads(await bench.platform.artifacts.get(f"datasets/{name}/manifest.json")) for name in ("circle", "again")
    ]
    assert first["files"] == second["files"]


@pytest.mark.parametrize(
    ("changes", "error_code"),
    [
        ({"alarm_waivers": {}}, "DatasetAlarmError"),
        ({"limit_per_entry": 5, "ontology_snapshot_id": str(uuid4())}, "WindowUnusableError"),
        ({"train_evaluation_set_ids": [str(uuid4())]}, "NotFoundError"),
        ({"scoring_config_id": str(uuid4())}, "NotFoundError"),
        ({"scoring_config_id": str(PRESETS["composite_by_knowledge"].id)}, "UncoveredSignalError"),
    ],
)
async def test_what_cannot_be_trusted_is_refused_for_good(
    bench: TrainingBench, changes: dict[str, Any], error_code: str
) -> None:
    circle = await bench.circle()
    job_id = await bench.submit_training(circle.export(**changes), OPERATION)
    (message,) = await bench.take_messages(job_id)

    outcome = await bench.deliver(message)

    assert isinstance(outcome, DeadLettered)
    assert outcome.error_code == error_code
    assert await bench.datasets() == []
    assert not await bench.platform.artifacts.exists("datasets/circle/train.parquet")


async def test_a_name_that_is_taken_is_refused(bench: TrainingBench) -> None:
    circle = await bench.circle()
    await bench.dataset(circle)

    job = await bench.do(circle.export(limit_per_entry=4), OPERATION)

    assert (job.status, job.error_code) == (JobStatus.FAILED, "DatasetNameTakenError")


@pytest.mark.parametrize("field", ["selection_evaluation_set_id", "train_evaluation_set_ids"])
async def test_a_test_window_is_neither_selected_on_nor_learnt_from(bench: TrainingBench, field: str) -> None:
    circle = await bench.circle()
    window = circle.test if field.startswith("selection") else (circle.test,)

    job = await bench.do(circle.export(**{field: window, "temporal_waiver": "nobody will ever look"}), OPERATION)

    assert (job.status, job.error_code) == (JobStatus.FAILED, "TemporalProtocolError")


async def test_learning_from_the_selection_window_is_refused(bench: TrainingBench) -> None:
    circle = await bench.circle()

    job = await bench.do(circle.export(train_evaluation_set_ids=(circle.training, circle.selection)), OPERATION)

    assert (job.status, job.error_code) == (JobStatus.FAILED, "TemporalProtocolError")


async def test_unknown_dates_fail_closed_unless_a_reason_is_kept(bench: TrainingBench) -> None:
    circle = await bench.circle(dated=False, role=None)
    reason = "the releases were checked by hand"

    refused = await bench.do(circle.export(), OPERATION)
    waived = await bench.do(circle.export(temporal_waiver=reason), OPERATION)

    assert (refused.status, refused.error_code) == (JobStatus.FAILED, "UnknownDatesError")
    assert waived.status is JobStatus.SUCCEEDED, waived.error_message
    manifest = json.loads(await bench.platform.artifacts.get("datasets/circle/manifest.json"))
    assert manifest["temporal_waiver"] == reason
    told = await bench.scalar("SELECT message FROM job_event WHERE event = 'temporal_protocol.waived'")
    assert told == reason


@pytest.mark.parametrize(
    ("released_on", "error_code"),
    [
        # No protein was scanned: the columns say nothing, which is an alarm and comes later.
        (date(2014, 12, 31), "DatasetAlarmError"),
        (date(2015, 1, 1), "TemporalProtocolError"),
        (date(2016, 6, 1), "TemporalProtocolError"),
        (None, "UnknownDatesError"),
    ],
)
async def test_a_mapping_must_be_of_before_every_window(
    bench: TrainingBench, released_on: date | None, error_code: str
) -> None:
    circle = await bench.circle()
    async with session_scope(bench.platform.session_factory) as session:
        pair = {"ipr_accession": "IPR000001", "go_id": B, "source_version": "1"}
        await session.execute(insert(InterProGoMapping).values(pair))
        await session.execute(insert(InterProGoRelease).values(source_version="1", released_on=released_on))

    job = await bench.do(circle.export(interpro_mapping="1"), OPERATION)

    assert job.error_code == error_code
    assert ("the InterPro2GO mapping 1" in (job.error_message or "")) is (error_code != "DatasetAlarmError")


async def test_an_artifact_store_that_is_away_is_tried_again(platform: Platform, bench: TrainingBench) -> None:
    circle = await bench.circle()
    job_id = await bench.submit_training(circle.export(), OPERATION)
    (message,) = await bench.take_messages(job_id)
    away = AwayArtifactStore(platform.settings.storage_root or platform.settings.artifacts_dir)
    async with open_training_bench(replace(platform, artifacts=away)) as elsewhere:
        await elsewhere.deliver(message)
    assert (await bench.job(job_id)).status is JobStatus.QUEUED
    assert await bench.datasets() == []

    await bench.deliver_all(job_id)

    assert (await bench.job(job_id)).status is JobStatus.SUCCEEDED
