"""A benchmark file on a running platform: the matrix once, and not again."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import httpx
import pytest

from support.folders import traversable_folder
from support.laptop import RunningUp, SmallData, protea, running_up
from support.main_job import MainJob

FILE = """\
name: small
hypothesis: Neighbours say more than frequencies.
ontology: {{file: {ontology}}}
proteins: {proteins}
annotations:
  known-2012: {{file: {annotations}, before: 2013-01-01}}
  known-2016: {{file: {annotations}, before: 2017-01-01}}
  known-2018: {{file: {annotations}, version: 2019-01}}
windows:
  choosing: {{from: known-2012, to: known-2016, role: valid}}
  reporting: {{from: known-2016, to: known-2018, role: test, drop_binding_only: true}}
encoders:
  kmer: {{kind: kmer}}
scoring:
  half: {{weights: {{embedding_similarity: 0.5, neighbor_vote_fraction: 0.5}}}}
methods:
  naive: {{baseline: naive}}
  near: {{encoder: kmer, scoring: half, choices: {{limit_per_entry: 3}}}}
choose: {{window: choosing}}
compare: {{baseline: naive, n_resamples: 1000}}
evaluation: {{n_resamples: 100}}
categories: [PK]
"""

PARAMETERS = """\
dataset:
  limit_per_entry: 3
  suspicious_auc: 1.0
  alarm_waivers:
    qualifier: no donor among so few proteins has one
    knn_vote_electronic: no donor among so few proteins is electronic
training:
  max_rounds: 20
  min_data_in_leaf: 2
"""


@pytest.fixture(scope="module")
def platform() -> Iterator[RunningUp]:
    with traversable_folder("protea-test-benchmark-") as parent, running_up(parent / "home") as up:
        yield up


@pytest.fixture(scope="module")
def file(small_data: SmallData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("benchmark") / "small.yaml"
    paths = {name: getattr(small_data, name).resolve() for name in ("ontology", "proteins", "annotations")}
    written.write_text(FILE.format(**paths))
    return written


@pytest.fixture(scope="module")
def first(platform: RunningUp, file: Path) -> str:
    done = protea("benchmark", "run", str(file), url=platform.url)
    assert done.returncode == 0, done.stderr
    return done.stdout


def figures(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text().splitlines(), delimiter="\t"))


def test_each_method_is_measured_on_each_window_with_intervals_and_compared(first: str, file: Path) -> None:
    rows = figures(file.with_suffix(".tsv"))

    assert {(row["window"], row["method"]) for row in rows} == {
        (window, method) for window in ("choosing", "reporting") for method in ("naive", "near")
    }
    assert {row["category"] for row in rows} == {"PK"}
    for row in rows:
        assert float(row["fmax_low"]) <= float(row["fmax"]) <= float(row["fmax_high"])
        assert bool(row["verdict"]) == (row["method"] == "near")
    assert "Chosen on choosing: " in first


def test_a_second_run_does_nothing_again_and_gives_the_same_rows(first: str, file: Path, platform: RunningUp) -> None:
    assert "0 of them there already" in first
    before = file.with_suffix(".tsv").read_bytes()

    done = protea("benchmark", "run", str(file), url=platform.url)

    # Only the three embeddings are asked for anew: they find everything embedded.
    assert "21 jobs, 18 of them there already." in done.stdout, done.stdout + done.stderr
    assert file.with_suffix(".tsv").read_bytes() == before


def test_figures_are_kept_with_digests_receipts_frames_and_seeds(first: str, platform: RunningUp) -> None:
    assert first
    (run,) = httpx.get(f"{platform.url}/v1/experiment-runs", params={"name": "small"}).json()

    kept = run["provenance"]
    assert (run["status"], run["hypothesis"]) == ("DONE", "Neighbours say more than frequencies.")
    assert run["started_at"] <= run["finished_at"]
    assert len(kept["ontology"]["obo_sha256"]) == 64
    assert {len(each["content_sha256"]) for each in kept["annotations"].values()} == {64}
    assert len(kept["encoders"]["kmer"]["weights_digest"]) == 64
    assert kept["seeds"] == {"encoder kmer": 0, "compare": 0}
    assert {cell["evaluator"]["purpose"] for cell in kept["cells"]} == {"select", "report"}
    assert {name: window["drops_binding_only"] for name, window in kept["windows"].items()} == {
        "choosing": False,
        "reporting": True,
    }
    by_window = {
        window: {c["evaluator"]["frame"]["digest"] for c in kept["cells"] if c["window"] == window}
        for window in kept["windows"]
    }
    assert {len(digests) for digests in by_window.values()} == {1}


def test_each_cell_is_a_run_of_its_own_where_it_stands_among_experiments(first: str, platform: RunningUp) -> None:
    assert first
    runs = httpx.get(f"{platform.url}/v1/experiment-runs").json()

    placed = [run for run in runs if run["axis_tuple_shortid"] is not None]
    points = {(run["eval_set_name"], "naive" if run["plm"] is None else "near"): run for run in placed}
    assert len(runs) == len(points) + 1 == 5
    near, naive = points["reporting", "near"], points["reporting", "naive"]
    (encoder,) = httpx.get(f"{platform.url}/v1/embeddings/configs").json()
    assert near["plm"] == encoder["model_name"]
    assert (near["status"], near["k"], near["propagation"]) == ("DONE", 3, "fill")
    assert near["ensemble_spec"]["scoring"]["weights"] == {"embedding_similarity": 0.5, "neighbor_vote_fraction": 0.5}
    assert (naive["k"], naive["ensemble_spec"]["baseline"]) == (None, "naive")
    assert near["eval_set_manifest_sha"] == naive["eval_set_manifest_sha"]
    assert near["eval_set_manifest_sha"] != points["choosing", "naive"]["eval_set_manifest_sha"]
    assert {row["method"] for row in near["provenance"]["rows"]} == {"near"}
    assert "near on reporting, of the benchmark small" in protea("benchmark", "list", url=platform.url).stdout


def test_a_run_is_shown_with_what_it_was_made_from(first: str, file: Path, platform: RunningUp, tmp_path: Path) -> None:
    assert first
    again = tmp_path / "again.tsv"

    shown = protea("benchmark", "show", "small", "-o", str(again), url=platform.url)

    assert shown.returncode == 0, shown.stderr
    assert "ontology" in shown.stdout
    assert "against naive" in shown.stdout
    assert again.read_bytes() == file.with_suffix(".tsv").read_bytes()


def test_another_benchmark_of_the_same_name_is_refused(
    first: str, file: Path, platform: RunningUp, tmp_path: Path
) -> None:
    assert first
    other = tmp_path / "other.yaml"
    other.write_text(file.read_text().replace("limit_per_entry: 3", "limit_per_entry: 4"))

    done = protea("benchmark", "run", str(other), url=platform.url)

    assert done.returncode == 1
    assert "was run with other methods; give this one another name" in done.stderr


def test_a_reranker_is_trained_by_one_command_and_once(
    first: str, small_data: SmallData, platform: RunningUp, tmp_path: Path
) -> None:
    assert first
    parameters = tmp_path / "parameters.yaml"
    parameters.write_text(PARAMETERS)
    choosing = evaluation_sets(platform)["valid"]
    with closing(MainJob(platform.url)) as job:
        old_sets = httpx.get(f"{platform.url}/v1/annotations/sets").json()
        (t1,) = (each for each in old_sets if each["annotated_before"] == "2013-01-01")
        source = job.upload(small_data.annotations)
        t0 = job.load_annotations(source, t1["ontology_snapshot_id"], before=date(2009, 1, 1))
        window = {"old_annotation_set_id": t0, "new_annotation_set_id": t1["id"]}
        learning = job.run("generate_evaluation_set", **window)["evaluation_set_id"]
    command = ("reranker", "train", "mine", "--cell", "pk-bpo", "--window", learning, "--select", choosing)

    done = protea(*command, "--parameters", str(parameters), url=platform.url)
    again = protea(*command, "--parameters", str(parameters), url=platform.url)

    assert done.returncode == 0, done.stderr + done.stdout
    assert again.stdout.count("there already") == 2, again.stderr + again.stdout
    (reranker,) = httpx.get(f"{platform.url}/v1/reranker-models").json()
    assert (reranker["name"], reranker["category"], reranker["aspect"]) == ("mine", "pk", "bpo")
    assert reranker["metrics"]["model_sha256"] in done.stdout
    assert "mine" in protea("reranker", "list", url=platform.url).stdout


def test_a_calibration_is_fitted_and_shown(first: str, platform: RunningUp) -> None:
    assert first
    choosing = evaluation_sets(platform)["valid"]
    (run,) = httpx.get(f"{platform.url}/v1/experiment-runs", params={"name": "small"}).json()
    (cell,) = (c for c in run["provenance"]["cells"] if (c["window"], c["method"]) == ("choosing", "near"))

    fitted = protea(
        "calibration", "fit", "--predictions", cell["prediction_set_id"], "--window", choosing, url=platform.url
    )

    assert fitted.returncode == 0, fitted.stderr
    (calibration,) = httpx.get(f"{platform.url}/v1/calibrations").json()
    shown = protea("calibration", "show", calibration["id"], url=platform.url)
    listed = protea("calibration", "list", url=platform.url)
    assert "biological process" in shown.stdout
    assert shown.stdout in fitted.stdout
    assert calibration["id"] in listed.stdout


def evaluation_sets(platform: RunningUp) -> dict[str, str]:
    sets = httpx.get(f"{platform.url}/v1/annotations/evaluation-sets").json()
    return {each["window_role"]: each["id"] for each in sets if each["window_role"] is not None}


def test_a_mistake_in_a_file_of_parameters_is_told_with_its_line(platform: RunningUp, tmp_path: Path) -> None:
    file = tmp_path / "parameters.yaml"
    file.write_text("training:\n  max_rounds: 10\n  lerning_rate: 0.1\n")

    some = "00000000-0000-4000-8000-000000000000"
    command = ("reranker", "train", "x", "--cell", "pk", "--dataset", some, "--parameters", str(file))
    done = protea(*command, url=platform.url)

    assert done.returncode == 1
    assert "line 3 (training.lerning_rate): there is no lerning_rate here" in done.stderr


def test_what_is_not_there_cannot_be_shown(platform: RunningUp) -> None:
    done = protea("benchmark", "show", "nothing", url=platform.url)

    assert done.returncode == 1
    assert "there is no benchmark nothing" in done.stderr
