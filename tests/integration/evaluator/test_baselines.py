"""Baselines on small frozen data, with scores worked out by hand, and on the fly."""

from __future__ import annotations

import asyncio
from datetime import date
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db import session_scope
from protea_common.jobs import cancel_job
from protea_common.messaging.bus import DeadLettered
from protea_common.operations import PredictBaseline
from protea_common.orm import (
    GOPrediction,
    GOTerm,
    InterProAnnotation,
    InterProGoMapping,
    JobStatus,
    PredictionSet,
    Protein,
    Sequence,
)
from protea_common.storage import LocalFsArtifactStore
from support.evaluation import (
    BINDING,
    CATALYSIS,
    CELLULAR_PROCESS,
    FUNCTION,
    KINASE,
    PHOSPHORYLATION,
    PROCESS,
    small_graph,
)
from support.evaluator import EvaluatorBench

OLD = [
    ("D1", KINASE, "IDA", None),
    ("D2", CATALYSIS, "IDA", None),
    ("D3", BINDING, "IDA", None),
    ("D4", PHOSPHORYLATION, "IBA", None),
    ("D4", BINDING, "IDA", "NOT|enables"),
    ("Q1", KINASE, "IEA", None),
]
NEW = [*OLD, ("Q1", CATALYSIS, "IDA", None), ("Q2", PHOSPHORYLATION, "IDA", None)]

Scores = dict[tuple[str, str], float]


async def frozen(bench: EvaluatorBench, *, cut_at: date | None = None, more_electronic: int = 0) -> UUID:
    release = await bench.insert_graph(small_graph())
    old = await bench.insert_annotations(release, OLD, annotated_before=cut_at)
    electronic = [(f"E{number}", KINASE, "IEA", None) for number in range(more_electronic)]
    new = await bench.insert_annotations(release, [*NEW, *electronic])
    await bench.finished(await bench.generate(old, new))
    (stored,) = await bench.evaluation_sets()
    return stored.id


async def give_sequences(session: AsyncSession, *accessions: str) -> dict[str, int]:
    """Give proteins sequences of their own; give the ids."""
    ids = {}
    for number, accession in enumerate(accessions, start=1):
        values = {"sequence": "M" * number, "sequence_hash": f"{number:032x}", "length": number}
        ids[accession] = await session.scalar(insert(Sequence).values(values).returning(Sequence.id)) or 0
        await session.execute(update(Protein).where(Protein.accession == accession).values(sequence_id=ids[accession]))
    return ids


async def predicted(bench: EvaluatorBench, evaluation: UUID, **choices: object) -> Scores:
    payload = PredictBaseline.model_validate({"evaluation_set_id": evaluation, **choices})
    job = await bench.finished(await bench.request(payload))
    assert job.status is JobStatus.SUCCEEDED
    assert job.result is not None
    async with session_scope(bench.session_factory) as session:
        stored = await session.get_one(PredictionSet, UUID(job.result["prediction_set_id"]))
        assert (stored.embedding_config_id, stored.meta["baseline"]) == (None, choices["method"])
        rows = await session.execute(
            select(GOPrediction.protein_accession, GOTerm.go_id, GOPrediction.score)
            .join(GOTerm, GOTerm.id == GOPrediction.go_term_id)
            .where(GOPrediction.prediction_set_id == stored.id)
        )
        scores = {(accession, go_id): score for accession, go_id, score in rows}
    assert stored.prediction_count == len(scores) == job.result["prediction_count"]
    return scores


async def refusal(bench: EvaluatorBench, evaluation: UUID, **choices: object) -> DeadLettered:
    job_id = await bench.request(PredictBaseline.model_validate({"evaluation_set_id": evaluation, **choices}))
    async with bench.evaluator() as handler:
        outcome = await bench.deliver(handler, job_id)
    assert isinstance(outcome, DeadLettered)
    return outcome


async def test_naive_scores_are_shares_of_the_proteins_known_in_the_aspect(bench: EvaluatorBench) -> None:
    scores = await predicted(bench, await frozen(bench), method="naive")

    # Three proteins had a function by experiment; nobody had a process.
    expected = {FUNCTION: 1, CATALYSIS: 2 / 3, KINASE: 1 / 3, BINDING: 1 / 3}
    assert scores == {(name, go_id): pytest.approx(share) for name in ("Q1", "Q2") for go_id, share in expected.items()}


async def test_hits_vote_with_their_bits_within_an_aspect(bench: EvaluatorBench) -> None:
    evaluation = await frozen(bench)
    hits = "Q1\tD1\t60\nQ1\tD3\t40\nQ1\tD3\t30\nQ1\tQ1\t900\nQ1\tX9\t50\nX1\tD1\t80\nQ2\tD4\t70\n"
    await bench.artifacts.put("uploads/hits.tsv", hits.encode())

    by_experiment = await predicted(bench, evaluation, method="alignment", hits_uri="artifact:uploads/hits.tsv")
    by_all = await predicted(bench, evaluation, method="alignment", hits_uri="artifact:uploads/hits.tsv", donors="all")

    voted = {FUNCTION: 1, CATALYSIS: 0.6, KINASE: 0.6, BINDING: 0.4}
    assert by_experiment == {("Q1", go_id): pytest.approx(score) for go_id, score in voted.items()}
    inferred = {PROCESS, CELLULAR_PROCESS, PHOSPHORYLATION}
    assert by_all == by_experiment | {("Q2", go_id): pytest.approx(1) for go_id in inferred}


async def test_only_the_best_fifty_hits_vote(bench: EvaluatorBench) -> None:
    release = await bench.insert_graph(small_graph())
    donors = [(f"D{number:02d}", KINASE if number else BINDING, "IDA", None) for number in range(60)]
    old = await bench.insert_annotations(release, donors)
    new = await bench.insert_annotations(release, [*donors, ("Q1", KINASE, "IDA", None)])
    await bench.finished(await bench.generate(old, new))
    (stored,) = await bench.evaluation_sets()
    lines = (f"Q1\tD{number:02d}\t{100 - number}\n" for number in reversed(range(60)))
    await bench.artifacts.put("uploads/hits.tsv", "".join(lines).encode())

    scores = await predicted(bench, stored.id, method="alignment", hits_uri="artifact:uploads/hits.tsv")

    assert scores["Q1", BINDING] == pytest.approx(100 / sum(range(51, 101)))


@pytest.mark.parametrize("line", ["Q1\tD1", "Q1\tD1\tmany", "Q1\tD1\t0"])
async def test_a_table_of_hits_that_cannot_be_read_is_refused(bench: EvaluatorBench, line: str) -> None:
    evaluation = await frozen(bench)
    await bench.artifacts.put("uploads/hits.tsv", f"Q1\tD1\t5\n{line}\n".encode())

    outcome = await refusal(bench, evaluation, method="alignment", hits_uri="artifact:uploads/hits.tsv")

    assert outcome.error_code == "HitFileError"
    assert "Line 2" in outcome.reason


async def test_signatures_imply_the_terms_of_the_mapping(bench: EvaluatorBench) -> None:
    evaluation = await frozen(bench)
    async with session_scope(bench.session_factory) as session:
        sequence_ids = await give_sequences(session, "Q1", "Q2", "D1")
        hits = [("Q1", "IPR000719"), ("Q2", "IPR000719"), ("Q2", "IPR999999"), ("D1", "IPR000719")]
        await session.execute(
            insert(InterProAnnotation),
            [
                {
                    "sequence_id": sequence_ids[protein],
                    "accession": entry,
                    "source_db": "Pfam",
                    "start": 1,
                    "end": 9,
                    "ipr_release": "70.0",
                }
                for protein, entry in hits
            ],
        )
        mapping = [("IPR000719", KINASE, "2017"), ("IPR000719", BINDING, "2019"), ("IPR999999", "GO:9999999", "2017")]
        await session.execute(
            insert(InterProGoMapping),
            [{"ipr_accession": entry, "go_id": go_id, "source_version": version} for entry, go_id, version in mapping],
        )

    scores = await predicted(bench, evaluation, method="interpro", source_version="2017")

    assert scores == {("Q1", KINASE): 1, ("Q2", KINASE): 1}


async def test_a_baseline_that_says_nothing_fails(bench: EvaluatorBench) -> None:
    outcome = await refusal(bench, await frozen(bench), method="interpro", source_version="2017")

    assert outcome.error_code == "NothingPredictedError"


async def test_electronic_annotations_of_a_release_are_carried_over(bench: EvaluatorBench) -> None:
    scores = await predicted(bench, await frozen(bench, more_electronic=30), method="carry_over")

    assert scores == {("Q1", KINASE): 1}


async def test_carry_over_is_not_measurable_where_dates_were_stamped_again(bench: EvaluatorBench) -> None:
    evaluation = await frozen(bench, cut_at=date(2018, 1, 1), more_electronic=30)

    outcome = await refusal(bench, evaluation, method="carry_over")

    assert outcome.error_code == "CarryOverNotMeasurableError"
    for said in ("2018-01-01", "1 electronic ones of 31", "re-stamped"):
        assert said in outcome.reason


async def test_a_baseline_is_measured_like_any_prediction_set(bench: EvaluatorBench) -> None:
    evaluation = await frozen(bench)
    payload = PredictBaseline(evaluation_set_id=evaluation, method="naive")
    baseline = await bench.finished(await bench.request(payload))
    assert baseline.result is not None

    await bench.finished(await bench.run(evaluation, UUID(baseline.result["prediction_set_id"])))

    (stored,) = await bench.results()
    # Q1's catalysis is told alone from 0.34 on.
    assert stored.results["NK"]["MFO"]["fmax"] == pytest.approx(1)
    assert stored.evaluator["predicted_from_t0"] is True


async def test_progress_is_told_while_rows_are_written(bench: EvaluatorBench) -> None:
    job_id = await bench.request(PredictBaseline(evaluation_set_id=await frozen(bench), method="naive"))

    # It would wait for ever if the writing transaction held the job's row.
    async with asyncio.timeout(60):
        job = await bench.finished(job_id)

    assert (job.progress_current, job.progress_total) == (8, 8)
    assert len(await bench.timeline(job_id, "job.progress")) == 1


class CancellingArtifactStore(LocalFsArtifactStore):
    """An artifact store during whose first read somebody cancels a job."""

    def __init__(self, bench: EvaluatorBench, job_id: UUID) -> None:
        super().__init__(bench.folder)
        self._bench = bench
        self._job_id = job_id

    async def get(self, key: str) -> bytes:
        async with self._bench.unit_of_work() as work:
            await cancel_job(work, self._job_id, reason="user")
        return await super().get(key)


async def test_a_cancelled_baseline_leaves_nothing(bench: EvaluatorBench) -> None:
    evaluation = await frozen(bench)
    await bench.artifacts.put("uploads/hits.tsv", b"Q1\tD1\t60\n")
    payload = PredictBaseline(evaluation_set_id=evaluation, method="alignment", hits_uri="artifact:uploads/hits.tsv")
    job_id = await bench.request(payload)

    async with bench.evaluator(artifacts=CancellingArtifactStore(bench, job_id)) as handler:
        await bench.deliver(handler, job_id)

    assert (await bench.job(job_id)).status is JobStatus.CANCELLED
    async with session_scope(bench.session_factory) as session:
        assert list(await session.scalars(select(PredictionSet.id))) == []
        assert list(await session.scalars(select(GOPrediction.id))) == []


async def test_a_second_delivery_predicts_nothing_again(bench: EvaluatorBench) -> None:
    job_id = await bench.request(PredictBaseline(evaluation_set_id=await frozen(bench), method="naive"))
    await bench.finished(job_id)
    await bench.finished(job_id)

    async with session_scope(bench.session_factory) as session:
        assert len(list(await session.scalars(select(PredictionSet.id)))) == 1


@pytest.mark.parametrize(
    "choices",
    [
        {"method": "alignment"},
        {"method": "interpro"},
        {"method": "naive", "hits_uri": "artifact:uploads/hits.tsv"},
    ],
)
def test_a_method_is_given_what_it_reads_and_nothing_else(choices: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="which needs it"):
        PredictBaseline.model_validate({"evaluation_set_id": uuid4(), **choices})
