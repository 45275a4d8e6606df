from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import psutil
import pytest

from protea_common.domain.evidence import is_experimental, is_negated
from protea_common.domain.ontology import ASPECTS, Aspect, GoGraph, Relation
from protea_evaluator.adapters.cafaeval import (
    CafaevalFailedError,
    CafaevalMissingError,
    CafaevalRunner,
    CafaevalTimedOutError,
    cafaeval_version,
)
from protea_evaluator.domain.inputs import EvaluationInputs, prepare_inputs
from protea_evaluator.domain.knowledge import Category, Delta, split_by_knowledge
from protea_evaluator.domain.prediction_table import PredictionTable
from protea_evaluator.domain.recipe import EvaluatorRecipe, Propagation
from support.data_files import DEMO_DATA, read_lines
from support.evaluation import KINASE, NUCLEUS, fly_delta, fly_rows, go_graph, small_graph, table

EXAMPLES = Path(__file__).parents[2] / "data" / "cafa_evaluator"
A_MINUTE = timedelta(minutes=1)
CAFAEVAL_DEFAULTS = EvaluatorRecipe(propagation=Propagation.MAX, drops_orphans=False)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=1) as threads:
        yield threads


@pytest.fixture
def cafaeval(executor: ThreadPoolExecutor) -> CafaevalRunner:
    return CafaevalRunner(executor=executor, timeout=A_MINUTE)


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines(keepends=True)


def best_rows(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "evaluation_best_f.tsv").open(encoding="utf-8") as file:
        return {row["filename"]: row for row in csv.DictReader(file, delimiter="\t")}


def tiny_inputs(*, n_predictions: int = 1, cohorts: dict[str, int] | None = None) -> EvaluationInputs:
    return EvaluationInputs(
        ontology=(
            "[Term]\nid: GO:1\nnamespace: biological_process\n\n",
            "[Term]\nid: GO:2\nnamespace: biological_process\nis_a: GO:1\n",
        ),
        truth=("P1\tGO:2\n", "P2\tGO:2\n"),
        predictions=("P1\tGO:2\t0.5000\n",) * n_predictions,
        cohorts={"biological_process": 2} if cohorts is None else cohorts,
        recipe=EvaluatorRecipe(),
    )


def runner_of(executor: ThreadPoolExecutor, *program: str, timeout: timedelta = A_MINUTE) -> CafaevalRunner:
    return CafaevalRunner(executor=executor, timeout=timeout, program=program)


async def wait_until_ended(pid: int) -> None:
    async with asyncio.timeout(10):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.01)


async def wait_for_pid(path: Path) -> int:
    async with asyncio.timeout(10):
        while not (path.exists() and path.read_text().endswith("\n")):
            await asyncio.sleep(0.01)
    return int(path.read_text())


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
async def test_the_disorder_example_gives_the_reference_table(cafaeval: CafaevalRunner, number: int) -> None:
    example = EXAMPLES / "idpo"
    inputs = EvaluationInputs(
        ontology=lines_of(example / "IDPO_disorder_function.obo"),
        truth=lines_of(example / "ground_truth.tsv"),
        predictions=lines_of(example / "predictions" / f"pred_{number}.tsv"),
        cohorts={"disorder_function": 168},
        recipe=CAFAEVAL_DEFAULTS,
    )

    result = (await cafaeval.run(inputs))["disorder_function"]

    expected = best_rows(example / "expected_cafaeval_1.3.0")[f"pred_{number}.tsv"]
    assert (result.fmax, result.precision, result.recall, result.tau, result.n_proteins) == tuple(
        float(expected[column]) for column in ("f", "pr", "rc", "tau", "n")
    )
    assert result.coverage == pytest.approx(float(expected["cov"]), abs=0.0005)


@pytest.mark.parametrize("number", [1, 2])
async def test_known_terms_are_excluded_as_the_partial_knowledge_evaluator_does(
    cafaeval: CafaevalRunner, number: int
) -> None:
    example = EXAMPLES / "pk"
    delta = toy_delta(lines_of(example / "known_t0.tsv"), lines_of(example / "ground_truth_partial.tsv"))
    rows = [line.split() for line in lines_of(example / "predictions" / f"pred_{number}.tsv")]
    predictions = PredictionTable.from_rows(
        [(accession, go_id, float(score)) for accession, go_id, score in rows],
        targets=delta.accessions,
        graph=TOY_GRAPH,
        live_ids={},
    )

    inputs = prepare_inputs(delta, Category.PARTIAL_KNOWLEDGE, predictions=predictions, graph=TOY_GRAPH)
    result = (await cafaeval.run(inputs))["biological_process"]

    expected = best_rows(example / "expected_cafaeval_protea_0.1.0")[f"pred_{number}.tsv"]
    assert (result.fmax, result.precision, result.recall, result.n_proteins) == tuple(
        float(expected[column]) for column in ("f", "pr", "rc", "n")
    )
    assert result.cohort == 2


TOY_EDGES = {
    "GO:0032501": ["GO:0008150"],
    "GO:0040011": ["GO:0008150"],
    "GO:0050879": ["GO:0032501"],
    "GO:0031987": ["GO:0040011"],
    "GO:0033058": ["GO:0040011"],
    "GO:0071965": ["GO:0040011", "GO:0050879"],
    "GO:0043056": ["GO:0033058"],
    "GO:0043057": ["GO:0033058"],
}
TOY_GRAPH = GoGraph.build(
    [(go_id, Aspect.BIOLOGICAL_PROCESS) for go_id in ["GO:0008150", *TOY_EDGES]],
    [Relation(child, parent, "is_a") for child, parents in TOY_EDGES.items() for parent in parents],
)


def toy_delta(known: list[str], gained: list[str]) -> Delta:
    """GO:0050879 counts as known of both proteins, because the example leaves it out of its terms of interest."""
    left_out = [f"target{number} GO:0050879" for number in (1, 2)]
    old = table(*(pair(line) for line in [*known, *left_out]))
    return split_by_knowledge(old, table(*(pair(line) for line in gained)), TOY_GRAPH)


def pair(line: str) -> tuple[str, str]:
    accession, go_id = line.split()
    return accession, go_id


@cache
def fly_predictions() -> PredictionTable:
    """Frequency of the 200 commonest components before 2017 for all, and electronic annotation of each at .6."""
    graph = go_graph()
    terms_of: dict[str, set[int]] = {}
    for row in fly_rows(until_t0=True):
        if is_experimental(row.evidence_code) and not is_negated(row.qualifier):
            term = graph.row_of[row.go_id]
            terms_of.setdefault(row.accession, set()).update([term, *graph.ancestors(term).tolist()])
    counts = Counter(term for terms in terms_of.values() for term in terms if is_component(term))
    common = [(graph.go_ids[term], count / len(terms_of)) for term, count in counts.most_common(200)]
    rows = [(accession, go_id, score) for accession in fly_delta().accessions for go_id, score in common]
    rows += [(row.accession, row.go_id, 0.6) for row in fly_rows(until_t0=False) if row.evidence_code == "IEA"]
    return PredictionTable.from_rows(rows, targets=fly_delta().accessions, graph=graph, live_ids={})


def is_component(term: int) -> bool:
    return ASPECTS[go_graph().aspects[term]] is Aspect.CELLULAR_COMPONENT


def component_delta() -> Delta:
    """What all proteins of the fly gained in cellular component, as if nothing had been known."""
    pairs = fly_delta().truth[Category.PARTIAL_KNOWLEDGE]
    pairs = pairs.where(pairs.aspects == ASPECTS.index(Aspect.CELLULAR_COMPONENT))
    nothing = pairs.where(pairs.aspects < 0)
    return replace(fly_delta(), truth=dict.fromkeys(Category, pairs), known=nothing)


def component_stanzas() -> Iterator[str]:
    """The file's own text of all cellular components, obsolete ones and edges to other aspects included."""
    stanza: list[str] = []
    for line in [*read_lines(DEMO_DATA / "go_2019-01-27.obo.gz"), "[End]"]:
        if line.startswith("["):
            if "namespace: cellular_component" in stanza:
                yield "\n".join([*stanza, ""])
            stanza = []
        stanza.append(line.rstrip("\n"))


async def test_the_cut_ontology_gives_the_same_measures_as_the_whole(cafaeval: CafaevalRunner) -> None:
    recipe = EvaluatorRecipe(threshold_step=0.005)  # for tables with four decimals
    prepared = [
        prepare_inputs(component_delta(), Category.NO_KNOWLEDGE, predictions=fly_predictions(), graph=go_graph())
        for _ in range(2)
    ]

    of_cut = await cafaeval.run(replace(prepared[0], recipe=recipe))
    of_whole = await cafaeval.run(replace(prepared[1], recipe=recipe, ontology=component_stanzas()))

    assert of_cut == of_whole
    assert of_cut["cellular_component"].cohort > 200
    assert 0.2 < of_cut["cellular_component"].fmax < 0.9


async def test_our_propagation_gives_the_same_measures_as_the_evaluators(cafaeval: CafaevalRunner) -> None:
    by_evaluator, by_us = (
        prepare_inputs(component_delta(), category, predictions=fly_predictions(), graph=go_graph())
        for category in (Category.NO_KNOWLEDGE, Category.PARTIAL_KNOWLEDGE)  # the latter propagates before it excludes
    )

    assert await cafaeval.run(by_us) == await cafaeval.run(by_evaluator)


async def test_measures_agree_with_a_worked_example(cafaeval: CafaevalRunner) -> None:
    # Truth: P1 kinase, so catalysis and kinase. P2 nucleus, so within cell and nucleus. P3 kinase.
    # At .6 P1 is predicted right (2 of 2), P3 not at all; at .3 P3 is predicted binding (0 of 1).
    graph = small_graph()
    delta = split_by_knowledge(table(), table(("P1", KINASE), ("P2", NUCLEUS), ("P3", KINASE)), graph)
    rows = [("P1", KINASE, 0.6), ("P3", "GO:0005488", 0.3)]
    predictions = PredictionTable.from_rows(rows, targets=delta.accessions, graph=graph, live_ids={})

    results = await cafaeval.run(prepare_inputs(delta, Category.NO_KNOWLEDGE, predictions=predictions, graph=graph))

    assert set(results) == {"molecular_function"}  # nothing was predicted for the component
    result = results["molecular_function"]
    assert (result.precision, result.recall, result.fmax) == (1.0, 0.5, 0.667)
    assert (result.tau, result.coverage, result.n_proteins, result.cohort) == (0.31, 0.5, 1, 2)


async def test_a_namespace_whose_predictions_are_all_below_the_thresholds_is_absent(cafaeval: CafaevalRunner) -> None:
    inputs = replace(tiny_inputs(), predictions=["P1\tGO:2\t0.0050\n"])

    assert await cafaeval.run(inputs) == {}


@pytest.mark.parametrize("inputs", [tiny_inputs(n_predictions=0), tiny_inputs(cohorts={})])
async def test_without_predictions_or_truth_nothing_is_started(
    executor: ThreadPoolExecutor, inputs: EvaluationInputs
) -> None:
    assert await runner_of(executor, "no-such-program").run(inputs) == {}


async def test_a_crash_is_reported_with_the_end_of_its_log(executor: ThreadPoolExecutor) -> None:
    program = "import sys; sys.exit('-' * 10_000 + 'IndexError: no rows')"

    with pytest.raises(CafaevalFailedError, match=r"exit code 1\. .*IndexError: no rows$") as caught:
        await runner_of(executor, sys.executable, "-c", program).run(tiny_inputs())

    assert len(caught.value.log_tail) <= 4_000


async def test_a_run_without_tables_is_a_failure(executor: ThreadPoolExecutor) -> None:
    with pytest.raises(CafaevalFailedError, match="wrote no table"):
        await runner_of(executor, "true").run(tiny_inputs())


async def test_tables_about_other_proteins_than_the_truth_are_refused(cafaeval: CafaevalRunner) -> None:
    with pytest.raises(CafaevalFailedError, match="counted other proteins in biological_process than the 3"):
        await cafaeval.run(tiny_inputs(cohorts={"biological_process": 3}))


async def test_a_run_past_its_time_is_killed_with_its_children(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    runner = runner_of(executor, *sleeper(tmp_path / "pid"), timeout=timedelta(seconds=1))

    with pytest.raises(CafaevalTimedOutError, match="was stopped after 1 s"):
        await runner.run(tiny_inputs())

    await wait_until_ended(await wait_for_pid(tmp_path / "pid"))


async def test_a_cancelled_run_is_killed_with_its_children(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    runner = runner_of(executor, *sleeper(tmp_path / "pid"))
    run = asyncio.create_task(runner.run(tiny_inputs()))
    child = await wait_for_pid(tmp_path / "pid")

    run.cancel()

    with pytest.raises(asyncio.CancelledError):
        await run
    await wait_until_ended(child)


def sleeper(pid_file: Path) -> tuple[str, ...]:
    """A program that starts a child, writes its number and waits for it."""
    return ("sh", "-c", f"sleep 60 & echo $! > {pid_file}; wait")


async def test_the_program_sees_one_thread_and_none_of_our_secrets(
    executor: ThreadPoolExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROTEA_DB_URL", "postgresql://user:secret@host/db")
    program = f"import json, os; json.dump(dict(os.environ), open({str(tmp_path / 'env')!r}, 'w'))"

    with pytest.raises(CafaevalFailedError):
        await runner_of(executor, sys.executable, "-c", program).run(tiny_inputs())

    environment = json.loads((tmp_path / "env").read_text())
    assert environment["OMP_NUM_THREADS"] == "1"
    assert "PROTEA_DB_URL" not in environment


async def test_nothing_of_a_run_stays_on_disk(
    cafaeval: CafaevalRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    await cafaeval.run(tiny_inputs())

    assert list(tmp_path.iterdir()) == []


async def test_a_program_that_is_not_there_is_named_with_what_to_install(executor: ThreadPoolExecutor) -> None:
    with pytest.raises(CafaevalMissingError, match=r"pip install 'protea\[evaluator\]'"):
        await runner_of(executor, "/no/such/program").run(tiny_inputs())


async def test_a_package_that_is_not_there_is_named_with_what_to_install(
    cafaeval: CafaevalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = tiny_inputs()
    monkeypatch.setattr(sys, "path", [])

    with pytest.raises(CafaevalMissingError, match=r"pip install 'protea\[evaluator\]'"):
        await cafaeval.run(inputs)


def test_the_version_is_read_without_importing_the_package() -> None:
    assert cafaeval_version() == "1.3.0"
    assert "cafaeval" not in sys.modules
