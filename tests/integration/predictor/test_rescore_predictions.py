"""Stored predictions scored anew: as if they had been predicted so, for all that the first recipe scored above 0."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from pydantic import ValidationError
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert, update

from protea_common.db import session_scope
from protea_common.domain.scoring import CELLS, PRESETS
from protea_common.jobs import cancel_job
from protea_common.messaging.bus import Acknowledged, DeadLettered
from protea_common.operations import PredictGoTerms, RescorePredictions
from protea_common.orm import Job, JobStatus, PredictionSet, PredictionSetStatus, ScoringConfig
from protea_common.runtime import Platform
from protea_common.storage import LocalFsArtifactStore
from protea_predictor.adapters.storage import CalibrationStore, NewCalibration
from protea_predictor.domain.calibration import Calibration
from protea_predictor.domain.isotonic import Curve
from protea_predictor.entrypoints.consumer import build_service
from protea_predictor.settings import PredictorSettings
from protea_predictor.usecases.receipt import method_of
from support.predictor_bench import B, C, M
from support.training_bench import AwayArtifactStore, TrainingBench, open_training_bench

OPERATION = "rescore_predictions"
NODES = [(1, 1), (2759, 1), (9606, 2759), (7227, 2759), (4932, 1)]
BARE = {"store_evidence": False}

BY_CELL = {"nk-bpo": {"evidence_weight": 1.0}, "pk-bpo": {"neighbor_vote_fraction": 0.2, "embedding_similarity": 0.7}}
RECIPES: dict[str, dict[str, Any]] = {
    "a preset that weighs evidence": {"config": PRESETS["evidence_primary"].id},
    "a preset that multiplies by evidence": {"config": PRESETS["evidence_veto"].id},
    "identity and taxa": {
        "weights": {"identity_nw": 0.5, "identity_sw": 0.25, "taxonomic_proximity": 0.3, "neighbor_vote_fraction": 0.2}
    },
    "what is missing counts as nothing": {
        "weights": {"embedding_similarity": 0.4, "taxonomic_proximity": 0.9},
        "missing": "zero",
    },
    "weights by cell": {"weights": {"embedding_similarity": 1.0}, "cell_weights": BY_CELL},
    "own weights of evidence": {"weights": {"evidence_weight": 1.0}, "evidence_weights": {"IEA": 0.11}},
}

Scores = dict[tuple[str, str], float]


@pytest.fixture
async def bench(platform: Platform, tmp_path: Path) -> AsyncIterator[TrainingBench]:
    """A predictor whose operator gave a taxonomy dump."""
    lines = (f"{taxon}\t|\t{parent}\t|\tno rank\t|" for taxon, parent in NODES)
    (tmp_path / "nodes.dmp").write_text("\n".join(lines), encoding="utf-8")
    async with build_service(platform, settings=PredictorSettings(taxonomy_dir=tmp_path)) as service:
        yield TrainingBench(platform, service)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the twelve queries scored in three blocks."""
    monkeypatch.setattr("protea_predictor.usecases.rescore_predictions._PROTEINS_AT_ONCE", 5)


@pytest.fixture
async def asked(bench: TrainingBench) -> PredictGoTerms:
    """Write proteins on a circle, queries of three species of which something, or nothing, is known."""
    request = (await bench.circle()).request
    await bench.execute("UPDATE protein SET taxonomy_id = 9606 WHERE accession < 'P0030'")
    await bench.execute("UPDATE protein SET taxonomy_id = 4932 WHERE accession BETWEEN 'P0030' AND 'P0060'")
    await bench.execute("UPDATE query_set_entry SET taxonomy_id = 7227 WHERE accession < 'Q06'")
    await bench.execute("UPDATE protein_go_annotation SET evidence_code = NULL WHERE protein_accession < 'P0010'")
    async with bench.world() as world:
        for name in ("Q00", "Q01", "Q02"):
            await world.add_protein(name, f"MQ{name}")
        known = [("Q00", B, "IDA", None), ("Q01", M, "IDA", None), ("Q02", C, "IEA", None)]
        await world.annotate(request, known)
    return request.model_copy(update={"compute_taxonomy": True, "compute_alignments": True})


async def rescored(bench: TrainingBench, predictions: UUID, **choices: Any) -> Job:
    """Score a set anew; give the job."""
    return await bench.do(asked_for(predictions, **choices), OPERATION)


def asked_for(predictions: UUID, **choices: Any) -> RescorePredictions:
    return RescorePredictions.model_validate({"prediction_set_id": predictions, **choices})


async def predicted(bench: TrainingBench, request: PredictGoTerms, **changes: Any) -> UUID:
    job = await bench.run(request, **changes)
    assert job.status is JobStatus.SUCCEEDED, job.error_message
    return (await bench.prediction_set(job.id)).id


def sets_of(job: Job) -> list[UUID]:
    assert job.status is JobStatus.SUCCEEDED, job.error_message
    assert job.result is not None
    return [UUID(set_id) for set_id in job.result["prediction_set_ids"]]


async def stored(bench: TrainingBench, set_id: UUID) -> PredictionSet:
    async with session_scope(bench.platform.session_factory) as session:
        return await session.get_one(PredictionSet, set_id)


async def delete(bench: TrainingBench, set_id: UUID) -> None:
    async with session_scope(bench.platform.session_factory) as session:
        await session.execute(sql_delete(PredictionSet).where(PredictionSet.id == set_id))


async def scoring(bench: TrainingBench, *, config: UUID | None = None, **columns: Any) -> UUID:
    """Write a recipe, unless it is there already; give its id."""
    if config is not None:
        return config
    values = {"id": uuid4(), "formula": "linear", **columns}
    async with session_scope(bench.platform.session_factory) as session:
        await session.execute(insert(ScoringConfig).values(name=f"test {values['id']}", **values))
    return UUID(str(values["id"]))


async def calibration(bench: TrainingBench, predictions: UUID) -> UUID:
    """Write a calibration to the scores of a set: curves that differ from cell to cell, none of which begins at 0."""
    method = method_of((await stored(bench, predictions)).meta)
    levels = np.linspace(0.1, 0.9, len(CELLS))
    points = np.array([0.3, 0.55, 0.8])
    curves = {cell: Curve(points, level * np.array([0.01, 0.37, 1])) for cell, level in zip(CELLS, levels, strict=True)}
    content, calibration_id = json.dumps(Calibration(curves).as_json()).encode(), uuid4()
    uri = await bench.platform.artifacts.put(f"calibrations/{calibration_id}.json", content)
    new = NewCalibration(
        id=calibration_id,
        evaluation_set_id=await bench.scalar("SELECT min(id::text)::uuid FROM evaluation_set"),
        prediction_set_id=predictions,
        job_id=(await stored(bench, predictions)).job_id or uuid4(),
        artifact_uri=uri,
        content_sha256=sha256(content).hexdigest(),
        candidate_count=1,
        method=method,
        metrics={},
    )
    async with session_scope(bench.platform.session_factory) as session:
        await CalibrationStore(session).add(new)
    return calibration_id


@pytest.mark.usefixtures("small_blocks")
async def test_recipes_give_what_predicting_with_them_gives(bench: TrainingBench, asked: PredictGoTerms) -> None:
    # The default recipe scores every candidate above 0, since each has a donor: nothing is missing from the set.
    source = await predicted(bench, asked)
    before = await bench.scores(source)
    recipes = {name: await scoring(bench, **columns) for name, columns in RECIPES.items()}

    made = sets_of(await rescored(bench, source, scoring_config_ids=list(recipes.values())))

    for (name, recipe), set_id in zip(recipes.items(), made, strict=True):
        direct = await predicted(bench, asked, scoring_config_id=recipe)
        found, expected = await bench.scores(set_id), await bench.scores(direct)
        assert found == expected, name
        assert len(expected) > 30
        assert found != before, name
        receipts = [(await stored(bench, each)).meta for each in (set_id, direct)]
        assert method_of(receipts[0]) == method_of(receipts[1])


async def test_terms_without_a_donor_are_scored_as_predicting_scores_them(
    bench: TrainingBench, asked: PredictGoTerms
) -> None:
    request = asked.model_copy(update={"known_term_candidates": True, "limit_per_entry": 1, "compute_profile": True})
    first = await scoring(bench, weights={"term_prior": 1.0})
    second = await scoring(bench, weights={"evidence_weight": 1.0, "embedding_similarity": 0.5}, missing="zero")
    source = await predicted(bench, request, scoring_config_id=first)
    assert await bench.scalar("SELECT count(*) FROM go_prediction WHERE ref_protein_accession IS NULL") > 0

    (made,) = sets_of(await rescored(bench, source, scoring_config_ids=[second]))

    direct = await predicted(bench, request, scoring_config_id=second)
    assert await bench.scores(made) == await bench.scores(direct)


async def test_what_the_first_recipe_scored_0_stays_out(bench: TrainingBench, asked: PredictGoTerms) -> None:
    electronic_is_nothing = await scoring(
        bench, weights={"evidence_weight": 1.0}, evidence_weights={"IEA": 0.0, "IMP": 0.0}
    )
    source = await predicted(bench, asked, scoring_config_id=electronic_is_nothing)

    (made,) = sets_of(await rescored(bench, source, scoring_config_ids=[PRESETS["vote_fraction"].id]))

    direct = await bench.scores(await predicted(bench, asked, scoring_config_id=PRESETS["vote_fraction"].id))
    kept, found = await bench.scores(source), await bench.scores(made)
    assert set(found) == set(kept) < set(direct)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("kept", [{}, BARE], ids=["with evidence", "bare scores"])
async def test_a_calibration_gives_what_predicting_with_it_gives(
    bench: TrainingBench, asked: PredictGoTerms, kept: dict[str, Any]
) -> None:
    source = await predicted(bench, asked, **kept)
    chosen = await calibration(bench, source)

    (every,) = sets_of(await rescored(bench, source, calibration_id=chosen))
    (likely,) = sets_of(await rescored(bench, source, calibration_id=chosen, abstain_below=0.2))

    direct = await bench.scores(await predicted(bench, asked, calibration_id=chosen))
    cut = await bench.scores(await predicted(bench, asked, calibration_id=chosen, abstain_below=0.2))
    assert await bench.scores(every) == direct
    assert await bench.scores(likely) == cut
    assert 0 < len(cut) < len(direct)
    assert (await stored(bench, every)).meta["calibration"]["id"] == str(chosen)
    assert (await stored(bench, likely)).meta["abstain_below"] == 0.2


async def test_a_term_that_scores_0_has_no_probability_either_way(bench: TrainingBench, asked: PredictGoTerms) -> None:
    nothing = await scoring(bench, weights={"evidence_weight": 1.0}, evidence_weights={"IEA": 0.0, "IMP": 0.0})
    source = await predicted(bench, asked, scoring_config_id=nothing)
    chosen = await calibration(bench, source)

    (made,) = sets_of(await rescored(bench, source, calibration_id=chosen))

    direct = await predicted(bench, asked, scoring_config_id=nothing, calibration_id=chosen)
    assert await bench.scores(made) == await bench.scores(direct)
    assert set(await bench.scores(made)) == set(await bench.scores(source))


async def test_a_recipe_and_a_calibration_at_once(bench: TrainingBench, asked: PredictGoTerms) -> None:
    recipe = PRESETS["evidence_primary"].id
    source = await predicted(bench, asked)
    (plain,) = sets_of(await rescored(bench, source, scoring_config_ids=[recipe]))
    chosen = await calibration(bench, plain)

    (made,) = sets_of(await rescored(bench, source, scoring_config_ids=[recipe], calibration_id=chosen))
    (after,) = sets_of(await rescored(bench, plain, calibration_id=chosen))

    direct = await predicted(bench, asked, scoring_config_id=recipe, calibration_id=chosen)
    assert await bench.scores(made) == await bench.scores(direct) == await bench.scores(after)


async def test_sets_come_in_the_order_of_the_recipes_and_say_what_they_are_of(
    bench: TrainingBench, asked: PredictGoTerms
) -> None:
    recipes = [PRESETS[name].id for name in ("vote_fraction", "embedding_only", "evidence_veto")]
    source = await stored(bench, await predicted(bench, asked))

    job = await rescored(bench, source.id, scoring_config_ids=recipes)

    made = [await stored(bench, set_id) for set_id in sets_of(job)]
    assert [each.scoring_config_id for each in made] == recipes
    assert [each.meta["scoring"]["name"] for each in made] == ["vote_fraction", "embedding_only", "evidence_veto"]
    for each in made:
        assert (each.status, each.job_id) == (PredictionSetStatus.COMPLETE, job.id)
        assert each.prediction_count == len(await bench.scores(each.id)) > 0
        assert each.meta["rescored_from"] == {"prediction_set_id": str(source.id), "scoring": "embedding_plus_vote"}
        assert (each.meta["job_id"], each.meta["store_evidence"]) == (str(job.id), False)
        same = ("embedding_config_id", "annotation_set_id", "ontology_snapshot_id", "query_set_id", "limit_per_entry")
        assert [getattr(each, name) for name in same] == [getattr(source, name) for name in same]
    assert job.result is not None
    assert job.result["predictions"] == [each.prediction_count for each in made]
    assert (job.progress_current, job.progress_total) == (12, 12) == (job.result["proteins"],) * 2


async def test_a_chain_of_rescorings_names_each_set(bench: TrainingBench, asked: PredictGoTerms) -> None:
    source = await predicted(bench, asked)
    (plain,) = sets_of(await rescored(bench, source, scoring_config_ids=[PRESETS["vote_fraction"].id]))

    (made,) = sets_of(await rescored(bench, plain, calibration_id=await calibration(bench, plain)))

    assert (await stored(bench, made)).meta["rescored_from"] == {
        "prediction_set_id": str(plain),
        "scoring": "vote_fraction",
        "rescored_from": {"prediction_set_id": str(source), "scoring": "embedding_plus_vote"},
    }


async def test_a_second_delivery_changes_nothing(bench: TrainingBench, asked: PredictGoTerms) -> None:
    source = await predicted(bench, asked)
    payload = asked_for(source, scoring_config_ids=[PRESETS["vote_fraction"].id])
    job_id = await bench.submit_training(payload, OPERATION)
    (message,) = await bench.take_messages(job_id)

    outcomes = [await bench.deliver(message), await bench.deliver(message)]

    assert outcomes == [Acknowledged(), Acknowledged()]
    (made,) = sets_of(await bench.job(job_id))
    assert await bench.scalar("SELECT count(*) FROM prediction_set") == 2
    assert set(await bench.scores(made)) == set(await bench.scores(source))


class CancellingArtifactStore(LocalFsArtifactStore):
    """An artifact store during whose reads somebody cancels a job."""

    bench: TrainingBench
    job_id: UUID

    async def get(self, key: str) -> bytes:
        async with self.bench.unit_of_work() as work:
            await cancel_job(work, self.job_id, reason="user")
        return await super().get(key)


async def test_a_cancelled_rescoring_leaves_nothing(
    bench: TrainingBench, asked: PredictGoTerms, platform: Platform
) -> None:
    source = await predicted(bench, asked)
    payload = asked_for(source, calibration_id=await calibration(bench, source))
    artifacts = CancellingArtifactStore(platform.settings.storage_root or platform.settings.artifacts_dir)
    artifacts.bench, artifacts.job_id = bench, await bench.submit_training(payload, OPERATION)

    async with open_training_bench(replace(platform, artifacts=artifacts)) as cancelling:
        await cancelling.deliver_all(artifacts.job_id)

    assert (await bench.job(artifacts.job_id)).status is JobStatus.CANCELLED
    assert await bench.scalar("SELECT count(*) FROM prediction_set") == 1
    assert await bench.scalar("SELECT count(*) FROM predicted_scores") == 0


async def test_an_artifact_store_that_is_away_is_tried_again(
    bench: TrainingBench, asked: PredictGoTerms, platform: Platform
) -> None:
    source = await predicted(bench, asked)
    payload = asked_for(source, calibration_id=await calibration(bench, source))
    job_id = await bench.submit_training(payload, OPERATION)
    away = AwayArtifactStore(platform.settings.storage_root or platform.settings.artifacts_dir)
    (message,) = await bench.take_messages(job_id)
    async with open_training_bench(replace(platform, artifacts=away)) as elsewhere:
        await elsewhere.deliver(message)

    assert (await bench.job(job_id)).status is not JobStatus.FAILED
    await bench.deliver_all(job_id)
    assert len(sets_of(await bench.job(job_id))) == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"abstain_below": 0.3}, "leaves low scores out"),
        (BARE, "can only be calibrated"),
        ({"stored": {"status": "GENERATING"}}, "is not complete"),
        ({"stored": {"meta": {"baseline": "naive", "metric": "cosine"}}}, "is no prediction by neighbours"),
        (
            {"stored": {"meta": {"scoring": {}, "reranking": {"status": "applied"}}}},
            "is re-ranked, and can only be calibrated",
        ),
    ],
)
async def test_a_set_that_does_not_hold_what_scores_come_from_is_refused(
    bench: TrainingBench, asked: PredictGoTerms, changes: dict[str, Any], says: str
) -> None:
    columns = changes.get("stored")
    source = await predicted(bench, asked, **({} if columns else changes))
    if columns:
        async with session_scope(bench.platform.session_factory) as session:
            await session.execute(update(PredictionSet).values(columns))
    payload = asked_for(source, scoring_config_ids=[PRESETS["vote_fraction"].id])
    job_id = await bench.submit_training(payload, OPERATION)
    (message,) = await bench.take_messages(job_id)

    outcome = await bench.deliver(message)

    assert isinstance(outcome, DeadLettered)
    assert outcome.error_code == "UnfitForRescoringError"
    assert says in ((await bench.job(job_id)).error_message or "")
    assert await bench.scalar("SELECT count(*) FROM prediction_set") == 1


async def test_what_is_calibrated_is_not_calibrated_again(bench: TrainingBench, asked: PredictGoTerms) -> None:
    source = await predicted(bench, asked)
    chosen = await calibration(bench, source)
    (probabilities,) = sets_of(await rescored(bench, source, calibration_id=chosen))

    again = await rescored(bench, probabilities, calibration_id=chosen)

    assert (again.status, again.error_code) == (JobStatus.FAILED, "UnfitForRescoringError")
    assert "is calibrated already" in (again.error_message or "")


async def test_a_calibration_of_another_method_is_refused(bench: TrainingBench, asked: PredictGoTerms) -> None:
    source = await predicted(bench, asked)
    chosen = await calibration(bench, source)

    job = await rescored(bench, source, scoring_config_ids=[PRESETS["vote_fraction"].id], calibration_id=chosen)

    assert (job.status, job.error_code) == (JobStatus.FAILED, "CalibrationMismatchError")
    assert "another scoring" in (job.error_message or "")


@pytest.mark.parametrize(
    ("signal", "says"),
    [
        ("identity_nw", "and compute_alignments"),
        ("taxonomic_proximity", "and compute_taxonomy"),
        ("knn_weighted_vote", "run predict_go_terms again with scoring_config_id"),
    ],
)
async def test_a_signal_that_is_not_held_is_named_with_what_to_do(
    bench: TrainingBench, asked: PredictGoTerms, signal: str, says: str
) -> None:
    source = await predicted(bench, asked, compute_alignments=False, compute_taxonomy=False)
    recipe = await scoring(bench, weights={signal: 0.5, "neighbor_vote_fraction": 0.5})

    job = await rescored(bench, source, scoring_config_ids=[PRESETS["vote_fraction"].id, recipe])

    assert (job.status, job.error_code) == (JobStatus.FAILED, "UncoveredSignalError")
    assert repr(signal) in (job.error_message or "")
    assert says in (job.error_message or "")
    assert await bench.scalar("SELECT count(*) FROM prediction_set") == 1


async def test_similarity_by_lengths_of_differences_needs_unit_vectors(
    bench: TrainingBench, asked: PredictGoTerms
) -> None:
    votes = PRESETS["vote_fraction"].id
    await bench.execute("UPDATE embedding_config SET normalize = false")
    source = await predicted(bench, asked, metric="l2", scoring_config_id=votes)

    refused = await rescored(bench, source, scoring_config_ids=[PRESETS["embedding_only"].id])
    allowed = await rescored(bench, source, scoring_config_ids=[votes])

    assert (refused.error_code, allowed.status) == ("SimilarityUndefinedError", JobStatus.SUCCEEDED)


async def test_what_is_missing_fails_the_job(bench: TrainingBench, asked: PredictGoTerms) -> None:
    source = await predicted(bench, asked)
    known = [PRESETS["vote_fraction"].id]

    jobs = [
        await rescored(bench, uuid4(), scoring_config_ids=known),
        await rescored(bench, source, scoring_config_ids=[uuid4()]),
        await rescored(bench, source, calibration_id=uuid4()),
    ]

    assert [job.error_code for job in jobs] == ["NotFoundError"] * 3


async def test_a_set_that_predicts_nothing_gives_one_that_predicts_nothing(
    bench: TrainingBench, asked: PredictGoTerms
) -> None:
    source = await predicted(bench, asked, distance_threshold=0.0, known_term_candidates=False)
    assert await bench.scores(source) == {}

    (made,) = sets_of(await rescored(bench, source, scoring_config_ids=[PRESETS["embedding_only"].id]))

    assert ((await stored(bench, made)).prediction_count, await bench.scores(made)) == (0, {})


async def test_a_rescored_set_outlives_its_source_and_goes_with_its_scores(
    bench: TrainingBench, asked: PredictGoTerms
) -> None:
    source = await predicted(bench, asked)
    (made,) = sets_of(await rescored(bench, source, scoring_config_ids=[PRESETS["embedding_only"].id]))
    scores = await bench.scores(made)

    await delete(bench, source)
    assert await bench.scores(made) == scores
    await delete(bench, made)
    assert await bench.scalar("SELECT count(*) FROM predicted_scores") == 0


@pytest.mark.parametrize(
    "choices",
    [{}, {"scoring_config_ids": [UUID(int=1)] * 2}, {"calibration_id": uuid4(), "abstain_below": 1.0}],
    ids=["nothing to do", "a recipe twice", "nothing left"],
)
def test_a_request_that_makes_no_sense_is_refused(choices: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        asked_for(uuid4(), **choices)
