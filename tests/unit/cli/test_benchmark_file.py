from __future__ import annotations

from pathlib import Path

import pytest

from protea_cli.benchmark.lines import BenchmarkFileError
from protea_cli.benchmark.reading import read_plan

FILE = """\
name: mine
ontology: {file: go.obo}
annotations:
  old: {file: all.gaf, before: 2015-01-01}
  middle: {file: all.gaf, before: 2017-01-01}
  new: {file: all.gaf}
windows:
  choosing: {from: old, to: middle, role: valid}
  reporting: {from: middle, to: new, role: test}
encoders:
  kmer: {kind: kmer}
methods:
  naive: {baseline: naive}
  near:
    encoder: kmer
    scoring: embedding_only
    choices: {limit_per_entry: 7}
choose: {window: choosing}
compare: {baseline: naive}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("go.obo", "all.gaf"):
        (tmp_path / name).touch()
    return tmp_path


def read(folder: Path, text: str = FILE) -> object:
    file = folder / "benchmark.yaml"
    file.write_text(text)
    return read_plan(file)[0]


def test_figures_of_the_window_to_choose_on_are_for_selecting_and_those_of_a_test_window_for_reporting(
    folder: Path,
) -> None:
    (folder / "benchmark.yaml").write_text(FILE)

    plan, _ = read_plan(folder / "benchmark.yaml")

    assert (plan.purpose("choosing"), plan.purpose("reporting")) == ("select", "report")
    assert plan.methods["near"].choices == {"limit_per_entry": 7}


def test_a_window_may_follow_the_rule_for_protein_binding_alone(folder: Path) -> None:
    (folder / "benchmark.yaml").write_text(FILE.replace("role: test}", "role: test, drop_binding_only: true}"))

    plan, _ = read_plan(folder / "benchmark.yaml")

    assert {name: window.drop_binding_only for name, window in plan.windows.items()} == {
        "choosing": False,
        "reporting": True,
    }
    kept = {name: window.model_dump(mode="json", by_alias=True) for name, window in plan.windows.items()}
    assert kept["reporting"]["drop_binding_only"] is True
    assert kept["choosing"] == {"from": "old", "to": "middle", "role": "valid", "waiver": None}


@pytest.mark.parametrize(
    ("written", "instead", "line", "told"),
    [
        ("encoders:", "encodr:", 10, "there is no encodr here"),
        ("    scoring: emb", "    scorng: emb", 16, "there is no scorng here"),
        ("limit_per_entry: 7", "limit_per_entri: 7", 17, "there is no limit_per_entri here"),
        ("limit_per_entry: 7", "limit_per_entry: 0", 17, "greater than or equal to 1"),
        ("limit_per_entry: 7", "query_set_id: 7", 17, "follows from the rest of the file"),
        ("choose: {window: choosing}", "choose: {window: reporting}", 18, "nothing may be selected on it"),
        ("choose: {window: choosing}", "choose: {window: other}", 18, "there are choosing, reporting"),
        ("role: valid", "role: train", 8, "'valid' or 'test'"),
        (", role: valid", "", 8, "role is missing"),
        ("to: middle", "to: old", 8, "nothing is learnt from old to itself"),
        ("to: middle", "to: midle", 8, "there are middle, new, old"),
        ("encoder: kmer", "encoder: k-mer", 15, "there is no encoder k-mer; there are kmer"),
        ("scoring: embedding_only", "scoring: mine", 16, "there is no scoring mine"),
        ("{baseline: naive}\n  near", "{baseline: naive, encoder: kmer}\n  near", 13, "either baseline or encoder"),
        ("{baseline: naive}\n  near", "{baseline: alignment}\n  near", 13, "hits_uri is for the method alignment"),
        ("compare: {baseline: naive}", "compare: {baseline: best}", 19, "there is no method best"),
        ("file: go.obo", "file: missing.obo", 2, "there is no file"),
        ("name: mine", "name: mine\nname: other", 2, "name stands twice"),
        (
            "compare: {baseline: naive}",
            "compare: {baseline: naive}\nevaluation: {engine: cafaeval}",
            19,
            "results compare with engine protea",
        ),
        (
            "compare: {baseline: naive}",
            "evaluation:\n  purpose: report",
            20,
            "purpose follows from the rest of the file",
        ),
        ("encoders:", "scoring:\n  composite: {weights: {identity_nw: 1}}\nencoders:", 11, "is a preset"),
        ("encoders:", "scoring:\n  mine: {weights: {identity: 1}}\nencoders:", 11, "There is no signal identity"),
    ],
)
def test_a_mistake_is_told_with_its_line(folder: Path, written: str, instead: str, line: int, told: str) -> None:
    assert written in FILE

    with pytest.raises(BenchmarkFileError) as error:
        read(folder, FILE.replace(written, instead, 1))

    assert f"benchmark.yaml, line {line} " in str(error.value).replace(f"line {line}:", f"line {line} :")
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: [", "is no YAML"),
        ("just words", "holds no `key: value` lines"),
        ("", "holds no `key: value` lines"),
        ("a: &a 1\nb: *a\n", "uses aliases"),
        ("a: " + "x" * 1_000_001, "is longer than 1,000,000 bytes"),
    ],
)
def test_what_is_no_benchmark_file_is_refused(folder: Path, text: str, told: str) -> None:
    with pytest.raises(BenchmarkFileError, match=told):
        read(folder, text)


def test_the_example_of_the_demo_agrees_with_itself() -> None:
    plan, _ = read_plan(Path("demo/benchmark.yaml"))

    assert plan.choose is not None
    assert plan.windows[plan.choose.window].role == "valid"
