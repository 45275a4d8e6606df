"""Two results compared on the same draws of the same proteins, and one split by kinds of proteins."""

from __future__ import annotations

import json
import zipfile
from html.parser import HTMLParser
from io import BytesIO
from uuid import UUID, uuid4

import numpy as np
import pytest
from pyarrow import parquet
from sqlalchemy import insert, select, update

from protea_common.db import session_scope
from protea_common.messaging.bus import DeadLettered
from protea_common.operations import CompareEvaluations, ExportRunCrate, StratifyEvaluation, WriteEvaluationReport
from protea_common.orm import EvaluationResult, GOPrediction, GOPredictionFeatures, JobStatus, Protein
from protea_evaluator.adapters.counts_table import read_cells, write_cells
from protea_evaluator.domain.knowledge import Category
from protea_evaluator.domain.measurement import CellCounts, Weighting
from protea_evaluator.domain.measures.cell import Cell
from protea_evaluator.domain.measures.sums import count_by_protein, grid
from support.evaluation import BINDING, CATALYSIS, KINASE, small_graph
from support.evaluator import EvaluatorBench

N_PROTEINS = 40
NAMES = [f"Q{number:02d}" for number in range(N_PROTEINS)]


async def evaluation_set(bench: EvaluatorBench) -> tuple[UUID, UUID]:
    """Give annotations at t0, and a set of proteins that all gained kinase."""
    release = await bench.insert_graph(small_graph())
    old = await bench.insert_annotations(release, [("P1", BINDING, "IDA", None)])
    new = await bench.insert_annotations(release, [(name, KINASE, "IDA", None) for name in NAMES])
    await bench.finished(await bench.generate(old, new))
    (stored,) = await bench.evaluation_sets()
    return old, stored.id


async def measured(bench: EvaluatorBench, evaluation: UUID, predictions: UUID, **recipe: object) -> UUID:
    job = await bench.finished(await bench.run(evaluation, predictions, **recipe))
    assert job.status is JobStatus.SUCCEEDED
    assert job.result is not None
    return UUID(job.result["evaluation_result_id"])


async def two_results(bench: EvaluatorBench) -> tuple[UUID, UUID]:
    """Measure a method that finds kinase in all, and one that says binding of every other protein."""
    old, evaluation = await evaluation_set(bench)
    good = await bench.insert_predictions(old, [(name, KINASE, 0.9) for name in NAMES])
    wrong = [(name, BINDING, 0.9) for name in NAMES[::2]]
    poor = await bench.insert_predictions(old, [*((name, CATALYSIS, 0.9) for name in NAMES), *wrong])
    return await measured(bench, evaluation, good), await measured(bench, evaluation, poor)


async def refused(bench: EvaluatorBench, ours: UUID, theirs: UUID) -> DeadLettered:
    payload = CompareEvaluations(evaluation_result_id=ours, baseline_evaluation_result_id=theirs, n_resamples=1_000)
    job_id = await bench.request(payload)
    async with bench.evaluator() as handler:
        outcome = await bench.deliver(handler, job_id)
    assert isinstance(outcome, DeadLettered)
    return outcome


async def test_a_difference_comes_with_its_interval_and_what_could_have_been_seen(bench: EvaluatorBench) -> None:
    good, poor = await two_results(bench)
    payload = CompareEvaluations(evaluation_result_id=good, baseline_evaluation_result_id=poor, n_resamples=1_000)

    job = await bench.finished(await bench.request(payload))

    assert job.result is not None
    cell = job.result["cells"]["NK"]["MFO"]
    # Fmax 1 less that of precision 3/4 (half of the proteins have one false term of two) and recall 1/2.
    assert cell["difference"] == pytest.approx(1 - 2 * 0.75 * 0.5 / 1.25)
    assert cell["low"] < cell["difference"] < cell["high"]
    assert 0 < cell["minimum_detectable_effect"] < 0.1
    assert (cell["verdict"], cell["n_proteins"], cell["is_small"]) == ("better", 40, False)
    assert job.result["frame"]["name"].startswith("protea ")
    assert await bench.artifacts.exists(f"evaluations/results/{good}/comparison-{poor}.json")


async def test_the_other_way_round_it_is_worse(bench: EvaluatorBench) -> None:
    good, poor = await two_results(bench)
    payload = CompareEvaluations(evaluation_result_id=poor, baseline_evaluation_result_id=good, n_resamples=1_000)

    job = await bench.finished(await bench.request(payload))

    assert job.result is not None
    assert job.result["cells"]["NK"]["MFO"]["verdict"] == "worse"


async def test_a_result_is_not_compared_with_itself(bench: EvaluatorBench) -> None:
    good, _ = await two_results(bench)

    assert (await refused(bench, good, good)).error_code == "SameResultError"


async def test_results_of_other_frames_are_refused_with_what_differs(bench: EvaluatorBench) -> None:
    old, evaluation = await evaluation_set(bench)
    predictions = await bench.insert_predictions(old, [(name, KINASE, 0.9) for name in NAMES])
    first = await measured(bench, evaluation, predictions)
    second = await measured(bench, evaluation, predictions, propagation="max")

    outcome = await refused(bench, first, second)

    assert outcome.error_code == "DifferentFramesError"
    assert "differ in recipe" in outcome.reason


async def test_another_number_of_resamples_is_no_other_frame(bench: EvaluatorBench) -> None:
    old, evaluation = await evaluation_set(bench)
    predictions = await bench.insert_predictions(old, [(name, KINASE, 0.9) for name in NAMES])
    first = await measured(bench, evaluation, predictions)
    second = await measured(bench, evaluation, predictions, n_resamples=0)
    payload = CompareEvaluations(
        evaluation_result_id=first, baseline_evaluation_result_id=second, n_resamples=1_000, effect_of_interest=0.01
    )

    job = await bench.finished(await bench.request(payload))

    assert job.result is not None
    cell = job.result["cells"]["NK"]["MFO"]
    assert (cell["difference"], cell["verdict"]) == (0, "no-difference-of-interest")


async def test_a_result_without_a_stamp_is_refused(bench: EvaluatorBench) -> None:
    good, poor = await two_results(bench)
    async with session_scope(bench.session_factory) as session:
        await session.execute(update(EvaluationResult).where(EvaluationResult.id == poor).values(evaluator={}))

    assert (await refused(bench, good, poor)).error_code == "UnstampedResultError"


async def test_a_result_of_an_engine_that_counts_no_proteins_is_refused(bench: EvaluatorBench) -> None:
    old, evaluation = await evaluation_set(bench)
    predictions = await bench.insert_predictions(old, [(name, KINASE, 0.9) for name in NAMES])
    first = await measured(bench, evaluation, predictions, engine="cafaeval", n_resamples=0)
    second = await measured(bench, evaluation, predictions, engine="cafaeval", n_resamples=0)

    assert (await refused(bench, first, second)).error_code == "NoProteinFiguresError"


async def test_results_of_two_engines_are_refused_as_of_two_frames(bench: EvaluatorBench) -> None:
    old, evaluation = await evaluation_set(bench)
    predictions = await bench.insert_predictions(old, [(name, KINASE, 0.9) for name in NAMES])
    ours = await measured(bench, evaluation, predictions)
    theirs = await measured(bench, evaluation, predictions, engine="cafaeval")

    outcome = await refused(bench, ours, theirs)

    assert outcome.error_code == "DifferentFramesError"
    assert "differ in engine, version" in outcome.reason


async def test_a_crate_of_an_engine_that_counts_no_proteins_holds_its_figures(bench: EvaluatorBench) -> None:
    old, evaluation = await evaluation_set(bench)
    predictions = await bench.insert_predictions(old, [(name, KINASE, 0.9) for name in NAMES])
    result_id = await measured(bench, evaluation, predictions, engine="cafaeval")

    job = await bench.finished(await bench.request(ExportRunCrate(evaluation_result_id=result_id)))

    assert job.result is not None
    with zipfile.ZipFile(BytesIO(await bench.artifacts.get(job.result["artifact"]))) as crate:
        assert crate.namelist() == ["figures.json", "ro-crate-metadata.json"]
        assert json.loads(crate.read("figures.json"))["evaluator"]["engine"] == "cafaeval"


async def test_a_result_that_does_not_exist_is_named(bench: EvaluatorBench) -> None:
    outcome = await refused(bench, uuid4(), uuid4())

    assert outcome.error_code == "EvaluationResultNotFoundError"


async def test_strata_hold_each_protein_once_and_small_ones_are_marked(bench: EvaluatorBench) -> None:
    old, evaluation = await evaluation_set(bench)
    rows = [(name, KINASE if number < 10 else BINDING, 0.9) for number, name in enumerate(NAMES)]
    predictions = await bench.insert_predictions(old, rows)
    await tell_facts(bench, predictions)
    result_id = await measured(bench, evaluation, predictions)

    job = await bench.finished(await bench.request(StratifyEvaluation(evaluation_result_id=result_id)))

    assert job.result is not None
    strata = [row for row in job.result["strata"] if row["weighting"] == "unweighted"]
    found = {
        (row["length"], row["homology"]): (row["n_proteins"], round(row["micro_f"], 6), row["is_reportable"])
        for row in strata
    }
    # The ten short ones are all found; of the others, told one wrong term each, nothing is.
    assert found == {("under 200", "60 % and more"): (10, 1.0, False), ("200 to 499", "unknown"): (30, 0.0, True)}
    table = parquet.read_table(BytesIO(await bench.artifacts.get(f"evaluations/results/{result_id}/strata.parquet")))
    assert table.to_pylist() == job.result["strata"]


async def tell_facts(bench: EvaluatorBench, prediction_set: UUID) -> None:
    """Make the first ten proteins short and close to a donor, the others longer and of unknown kin."""
    async with session_scope(bench.session_factory) as session:
        for number, name in enumerate(NAMES):
            length = 150 if number < 10 else 300
            await session.execute(update(Protein).where(Protein.accession == name).values(length=length))
        rows = await session.execute(
            select(GOPrediction.id).where(
                GOPrediction.prediction_set_id == prediction_set, GOPrediction.protein_accession.in_(NAMES[:10])
            )
        )
        await session.execute(
            insert(GOPredictionFeatures), [{"prediction_id": row.id, "identity_sw": 0.8} for row in rows]
        )


class _Page(HTMLParser):
    """What a browser would show of a report: cells of tables, and the diagrams."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


async def test_a_report_shows_figures_curves_and_strata_in_one_file(bench: EvaluatorBench) -> None:
    _, poor = await two_results(bench)
    payload = WriteEvaluationReport(evaluation_result_id=poor, title="Poor <method>")

    job = await bench.finished(await bench.request(payload))

    assert job.status is JobStatus.SUCCEEDED
    page = _Page(await bench.read_artifact(f"evaluations/results/{poor}/report.html"))
    assert page.addresses == []  # it needs nothing else
    assert page.tags.count("svg") == 2
    assert "Poor <method>" in page.texts
    assert "NK MFO" in page.texts
    assert "By homology: no identity to a donor is known; predict with compute_alignments." in page.texts
    (stored,) = [row for row in await bench.results() if row.id == poor]
    cell = stored.results["NK"]["MFO"]
    interval = cell["interval"]
    assert f"{cell['fmax']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]" in page.texts
    assert stored.evaluator["frame"]["digest"] in page.texts
    # 60 predictions of 0.9, of which the 40 of catalysis are true: off by 0.905 - 2/3.
    assert "Reliability; expected calibration error 0.238" in page.texts


def test_counts_are_read_back_as_they_were_written() -> None:
    rng = np.random.default_rng(2)
    proteins = np.sort(rng.integers(30, size=200)).astype(np.int32)
    cell = Cell(
        proteins=proteins,
        scores=rng.random(200) * 0.9 + 0.05,
        is_true=rng.random(200) < 0.3,
        weights=rng.random(200) * 5 + 0.1,
        truth=rng.random(30) * 9 + 1,
        accessions=np.arange(3, 33, dtype=np.int32),
        cohort=30,
    )
    names = [f"P{number:02d}" for number in range(40)]
    counts = count_by_protein(cell, grid(0.01))
    written = CellCounts(Category.LIMITED_KNOWLEDGE, "cellular_component", Weighting.WEIGHTED, cell.accessions, counts)

    files = write_cells([written], names, grid(0.01))
    ((key, stored),) = read_cells(files["proteins.parquet"], files["counts.parquet"], grid(0.01)).items()

    assert (key[0], key[1].cafa, key[2]) == (Category.LIMITED_KNOWLEDGE, "CCO", Weighting.WEIGHTED)
    assert stored.accessions == tuple(names[3:33])
    for name in ("true", "predicted", "truth", "thresholds"):
        np.testing.assert_allclose(getattr(stored.counts, name), getattr(counts, name), rtol=0, atol=1e-11)
    assert write_cells([written], names, grid(0.01)) == files
