"""Figures of the alignment with the nearest donor: on request, for scoring by identity, and from the cache."""

from __future__ import annotations

import pytest

from protea_common.domain.scoring import PRESETS
from protea_common.operations import PredictGoTerms
from support.predictor_bench import A, B, PredictorBench

COUNT_PAIRS = "SELECT count(*) FROM sequence_alignment"


@pytest.fixture
async def request_of_kin(bench: PredictorBench) -> PredictGoTerms:
    """Write HEAGAWGHEE with one neighbour, PAWHEAE: locally AWGHE over AW-HE, 18 points, 4 of 5 columns identical."""
    async with bench.world() as world:
        request = await world.create()
        await world.add_reference(request, "R1", (4, 3), residues="PAWHEAE")
        await world.annotate(request, [("R1", B, "IDA", None)])
        await world.add_query(request, "Q1", (1, 0), residues="HEAGAWGHEE")
    return request


async def test_identity_scores(bench: PredictorBench, request_of_kin: PredictGoTerms) -> None:
    job = await bench.run(request_of_kin, scoring_config_id=PRESETS["alignment_only"].id)
    rows = await bench.rows(job.id)

    figures = await bench.scalar("SELECT to_json(s) FROM sequence_alignment s")
    assert (figures["identity_sw"], figures["alignment_score_sw"], figures["gaps_pct_sw"]) == (0.8, 18, 0.2)
    assert (figures["length_query"], figures["length_ref"]) == (10, 7)
    assert [row["go_id"] for row in rows] == [A, B]
    expected = 0.6 * figures["identity_nw"] + 0.4 * 0.8
    assert [row["score"] for row in rows] == pytest.approx([expected, expected], abs=1e-6)


async def test_figures_on_request_are_features_and_leave_the_scores(
    bench: PredictorBench, request_of_kin: PredictGoTerms
) -> None:
    plain = await bench.run(request_of_kin)
    asked = await bench.run(request_of_kin, compute_alignments=True)

    without, rows = await bench.rows(plain.id), await bench.rows(asked.id)
    assert [row["score"] for row in rows] == [row["score"] for row in without]
    assert {row["identity_nw"] for row in without} == {None}
    local = "SELECT count(*) FROM go_prediction_features WHERE alignment_length_sw = 5 AND identity_nw IS NOT NULL"
    assert await bench.scalar(local) == len(rows)
    assert {"alignment_nw", "alignment_sw"} <= set((await bench.prediction_set(asked.id)).meta["feature_families"])


async def test_a_pair_is_aligned_once(
    bench: PredictorBench, request_of_kin: PredictGoTerms, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await bench.run(request_of_kin, compute_alignments=True)
    monkeypatch.delattr("protea_predictor.usecases.pair_figures.align_pairs")
    second = await bench.run(request_of_kin, compute_alignments=True)

    assert await bench.scalar(COUNT_PAIRS) == 1
    assert await bench.rows(second.id) == await bench.rows(first.id)
