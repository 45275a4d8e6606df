"""A benchmark file on a running platform: the matrix once, and not again."""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.laptop import RunningUp, SmallData, protea, running_up

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
  reporting: {{from: known-2016, to: known-2018, role: test}}
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


@pytest.fixture(scope="module")
def platform() -> Iterator[RunningUp]:
    parent = Path(tempfile.mkdtemp(prefix="protea-test-benchmark-"))
    parent.chmod(0o755)
    with running_up(parent / "home") as up:
        yield up
    shutil.rmtree(parent)


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
    by_window = {
        window: {c["evaluator"]["frame"]["digest"] for c in kept["cells"] if c["window"] == window}
        for window in kept["windows"]
    }
    assert {len(digests) for digests in by_window.values()} == {1}


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


def test_what_is_not_there_cannot_be_shown(platform: RunningUp) -> None:
    done = protea("benchmark", "show", "nothing", url=platform.url)

    assert done.returncode == 1
    assert "there is no benchmark nothing" in done.stderr
