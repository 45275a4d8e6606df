"""What terms count: information accretion computed, kept or given, and terms of interest."""

from __future__ import annotations

import math
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from protea_common.messaging.bus import DeadLettered
from protea_common.operations import ComputeInformationAccretion, RunCafaEvaluation
from protea_common.orm import JobStatus
from support.evaluation import BINDING, CATALYSIS, FUNCTION, KINASE, small_graph
from support.evaluator import EvaluatorBench

OLD = [("P1", KINASE, "IDA", None), ("P2", CATALYSIS, "IDA", None), ("P3", BINDING, "IBA", None)]


async def computed(bench: EvaluatorBench, annotations: UUID, regime: str = "experimental") -> dict[str, object]:
    payload = ComputeInformationAccretion.model_validate({"annotation_set_id": annotations, "regime": regime})
    job = await bench.finished(await bench.request(payload))
    assert job.status is JobStatus.SUCCEEDED
    assert job.result is not None
    return job.result


async def table_of(bench: EvaluatorBench, result: dict[str, object]) -> dict[str, float]:
    content = await bench.read_artifact(f"information-accretion/{result['information_accretion_set_id']}.tsv")
    return {go_id: float(bits) for go_id, bits in (line.split("\t") for line in content.splitlines())}


async def test_accretion_is_counted_with_one_added_to_both(bench: EvaluatorBench) -> None:
    annotations = await bench.insert_annotations(await bench.insert_graph(small_graph()), OLD)

    result = await computed(bench, annotations)

    # Of two proteins with a function both have catalysis and nobody binding; of these two one is a kinase.
    table = await table_of(bench, result)
    assert (table[FUNCTION], table[CATALYSIS]) == (0, 0)
    assert table[KINASE] == pytest.approx(math.log2(3 / 2))
    assert table[BINDING] == pytest.approx(math.log2(3 / 1))
    assert (result["protein_count"], result["annotation_count"], result["term_count"]) == (2, 2, 11)
    assert result["nonzero_count"] == 2


async def test_a_regime_says_which_evidence_counts(bench: EvaluatorBench) -> None:
    annotations = await bench.insert_annotations(await bench.insert_graph(small_graph()), OLD)

    curated = await computed(bench, annotations, "curated")

    assert (await table_of(bench, curated))[BINDING] == pytest.approx(math.log2(4 / 2))
    assert "IBA" in str(curated["evidence_codes"])


async def test_lafas_regime_is_kept_under_its_own_name(bench: EvaluatorBench) -> None:
    annotations = await bench.insert_annotations(await bench.insert_graph(small_graph()), OLD)

    ours, lafa = await computed(bench, annotations), await computed(bench, annotations, "lafa")

    assert await table_of(bench, lafa) == await table_of(bench, ours)
    assert (lafa["evidence_regime"], lafa["existing"]) == ("lafa", False)
    assert lafa["evidence_codes"] == ours["evidence_codes"]


async def test_the_same_accretion_is_kept_once(bench: EvaluatorBench) -> None:
    annotations = await bench.insert_annotations(await bench.insert_graph(small_graph()), OLD)
    first = await computed(bench, annotations)

    second = await computed(bench, annotations)

    assert first["existing"] is False
    assert second == first | {"existing": True}


async def windows(bench: EvaluatorBench) -> tuple[UUID, UUID, UUID]:
    """P4 gains kinase and binding, and both are predicted."""
    release = await bench.insert_graph(small_graph())
    old = await bench.insert_annotations(release, OLD)
    gained = [("P4", KINASE, "IDA", None), ("P4", BINDING, "IDA", None)]
    new = await bench.insert_annotations(release, [*OLD, *gained])
    await bench.finished(await bench.generate(old, new))
    (evaluation,) = await bench.evaluation_sets()
    return old, evaluation.id, await bench.insert_predictions(old, [("P4", KINASE, 0.9)])


async def weighted_fmax(bench: EvaluatorBench, job_id: UUID) -> float:
    job = await bench.finished(job_id)
    assert job.status is JobStatus.SUCCEEDED
    stored = max(await bench.results(), key=lambda row: row.created_at)
    return float(stored.results["NK"]["MFO"]["weighted"]["fmax"])


async def test_weights_come_from_t0_from_a_set_or_from_a_file(bench: EvaluatorBench) -> None:
    old, evaluation, predictions = await windows(bench)
    kept = (await computed(bench, old))["information_accretion_set_id"]
    await bench.artifacts.put("uploads/ia.tsv", f"{KINASE}\t3.0\n{BINDING}\t1.0\nGO:9999999\t5\n".encode())

    # A recall of 0.585 / (0.585 + 1.585) bits, and one of 3 / 4, at full precision.
    recall = math.log2(3 / 2) / (math.log2(3 / 2) + math.log2(3))
    expected = pytest.approx(2 * recall / (1 + recall))
    assert await weighted_fmax(bench, await bench.run(evaluation, predictions)) == expected
    by_set = await bench.run(evaluation, predictions, information_accretion_set_id=kept)
    assert await weighted_fmax(bench, by_set) == expected
    by_file = await bench.run(evaluation, predictions, ia_uri="artifact:uploads/ia.tsv")
    assert await weighted_fmax(bench, by_file) == pytest.approx(2 * 0.75 / 1.75)
    stamps = [row.evaluator for row in sorted(await bench.results(), key=lambda row: row.created_at)]
    assert stamps[0]["information_accretion_sha256"] == stamps[1]["information_accretion_sha256"]
    assert stamps[2]["information_accretion_missing_terms"] == 9
    assert len({stamp["frame"]["digest"] for stamp in stamps}) == 3


async def test_only_terms_of_interest_count(bench: EvaluatorBench) -> None:
    _, evaluation, predictions = await windows(bench)
    await bench.artifacts.put("uploads/toi.tsv", f"{KINASE}\n{CATALYSIS}\n".encode())

    await bench.finished(await bench.run(evaluation, predictions, terms_of_interest_uri="artifact:uploads/toi.tsv"))

    (stored,) = await bench.results()
    assert stored.results["NK"]["MFO"]["fmax"] == pytest.approx(1)
    assert stored.evaluator["terms_of_interest"] == 2


@pytest.mark.parametrize("content", [f"{KINASE}\tmany\n", f"{KINASE}\t-1\n", f"{KINASE}\n", "GO:9999999\t1\n"])
async def test_a_file_that_cannot_be_read_is_refused(bench: EvaluatorBench, content: str) -> None:
    _, evaluation, predictions = await windows(bench)
    await bench.artifacts.put("uploads/ia.tsv", content.encode())
    job_id = await bench.run(evaluation, predictions, ia_uri="artifact:uploads/ia.tsv")

    async with bench.evaluator() as handler:
        outcome = await bench.deliver(handler, job_id)

    assert isinstance(outcome, DeadLettered)
    assert outcome.error_code == "AccretionFileError"
    assert "Line 1" in outcome.reason


def test_two_answers_to_one_question_are_refused() -> None:
    with pytest.raises(ValidationError, match="give one of them"):
        RunCafaEvaluation(
            evaluation_set_id=uuid4(),
            prediction_set_id=uuid4(),
            information_accretion_set_id=uuid4(),
            ia_uri="artifact:uploads/ia.tsv",
        )
