"""What a person does with a measured result: a report, a crate, and the same measurement again."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from rich.console import Console

from protea_cli.client import ProteaClient
from protea_cli.jobs import run_job
from protea_cli.progress import Steps
from protea_common.domain.evidence import EVIDENCE_CODE_GROUPS
from support.data_files import read_lines
from support.folders import traversable_folder
from support.laptop import RunningUp, SmallData, protea, running_up

METADATA = "ro-crate-metadata.json"


@dataclass(frozen=True, slots=True)
class Measured:
    """A platform with a result, another in the same frame, and one in a frame of its own.

    Attributes
    ----------
    sets
        Annotations of before 2017, and all.
    """

    up: RunningUp
    sets: tuple[str, str]
    result_id: str
    other_id: str
    elsewhere_id: str


@pytest.fixture(scope="module")
def measured(small_data: SmallData) -> Iterator[Measured]:
    """A platform on which term frequency was measured on what was learnt since 2017."""
    with traversable_folder("protea-test-results-") as parent, running_up(parent / "home") as up:
        for command in (
            ("load", "ontology", str(small_data.ontology)),
            ("load", "proteins", str(small_data.proteins)),
            ("load", "annotations", str(small_data.annotations), "--annotated-before", "2017-01-01"),
            ("load", "annotations", str(small_data.annotations)),
        ):
            done = protea(*command, url=up.url)
            assert done.returncode == 0, done.stderr
        sets = asyncio.run(annotation_sets(up.url))
        yield Measured(up, sets, *asyncio.run(measure(up.url, *sets)))


async def annotation_sets(url: str) -> tuple[str, str]:
    async with ProteaClient(url, api_key=None) as client:
        sets = await client.get("/v1/annotations/sets")
    (old,) = [each["id"] for each in sets if each["annotated_before"] is not None]
    (new,) = [each["id"] for each in sets if each["annotated_before"] is None]
    return old, new


async def measure(url: str, old: str, new: str) -> list[str]:
    steps = Steps(Console(file=io.StringIO()))
    async with ProteaClient(url, api_key=None) as client:
        with steps.step("") as step:
            window = {"old_annotation_set_id": old, "new_annotation_set_id": new}
            evaluation = (await run_job(client, "generate_evaluation_set", window, step))["evaluation_set_id"]
            baseline = {"evaluation_set_id": evaluation, "method": "naive"}
            predictions = (await run_job(client, "predict_baseline", baseline, step))["prediction_set_id"]
            what = {"evaluation_set_id": evaluation, "prediction_set_id": predictions}
            recipes: tuple[dict[str, object], ...] = ({}, {"n_resamples": 0}, {"propagation": "max"})
            return [
                str((await run_job(client, "run_cafa_evaluation", what | recipe, step))["evaluation_result_id"])
                for recipe in recipes
            ]


def annotated(small_data: SmallData, *, before: str) -> pa.Table:
    """Distinct annotations of the file dated before a day (``YYYYMMDD``), with their evidence in groups."""
    rows = []
    for line in read_lines(small_data.annotations):
        fields = line.split("\t")
        if not line.startswith("!") and fields[13] < before and fields[1] in small_data.records:
            rows.append((fields[1], fields[4], fields[6], "NOT" in fields[3], fields[8]))
    columns = dict(zip(("protein", "term", "evidence", "negated", "aspect"), zip(*rows, strict=True), strict=True))
    return pa.table(columns).group_by(list(columns)).aggregate([])


def test_what_came_between_two_sets_is_what_a_join_of_the_file_finds(measured: Measured, small_data: SmallData) -> None:
    old, new = annotated(small_data, before="20170101"), annotated(small_data, before="99999999")
    gained = new.join(old, ["protein", "term", "evidence", "negated", "aspect"], join_type="left anti")
    counted = gained.group_by(["aspect", "evidence"]).aggregate([("term", "count")]).to_pylist()
    expected = Counter[tuple[str, str]]()
    for row in counted:
        (group,) = [name for name, codes in EVIDENCE_CODE_GROUPS.items() if row["evidence"] in codes]
        expected[row["aspect"], group] += row["term_count"]

    done = protea("evolution", *measured.sets, url=measured.up.url)

    assert done.returncode == 0, done.stderr
    letters = {"MFO": "F", "BPO": "P", "CCO": "C"}
    lines = [line for line in done.stdout.splitlines() if line.split()[:1] and line.split()[0] in letters]
    found = {}
    for line in lines:
        aspect, *evidence, _, gained_there, _, _ = line.split()
        found[letters[aspect], " ".join(evidence)] = int(gained_there.replace(",", ""))
    assert Counter(found) == expected
    assert sum(expected.values()) > 100
    assert "Dates of what was gained" in done.stdout


def test_a_result_becomes_one_html_file(measured: Measured, tmp_path: Path) -> None:
    file = tmp_path / "report.html"

    done = protea("report", measured.result_id, "-o", str(file), url=measured.up.url)

    assert done.returncode == 0, done.stderr
    text = file.read_text()
    assert text.startswith("<!doctype html>")
    assert measured.result_id in text


def test_two_results_of_one_frame_are_compared_cell_by_cell(measured: Measured) -> None:
    done = protea("compare", measured.result_id, measured.other_id, "--effect", "0.1", url=measured.up.url)

    assert done.returncode == 0, done.stderr
    assert "fmax in the frame protea" in done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line.split()[:2] == ["PK", "BPO"]]
    assert line.split()[4:] == ["+0.000", "+0.000", "to", "+0.000", "0.000", "no-difference-of-interest"], line


def test_results_of_two_frames_are_refused_with_what_differs(measured: Measured) -> None:
    done = protea("compare", measured.result_id, measured.elsewhere_id, url=measured.up.url)

    assert done.returncode == 1
    assert "differ in recipe; measure both in the same way" in done.stderr


def test_a_crate_gives_the_same_bytes_again(measured: Measured, tmp_path: Path) -> None:
    file = tmp_path / "crate.zip"
    packed = protea("crate", measured.result_id, "-o", str(file), url=measured.up.url)
    assert packed.returncode == 0, packed.stderr

    again = protea("rerun", str(file), url=measured.up.url)

    assert again.returncode == 0, again.stderr
    assert "The same bytes: counts.parquet, figures.json, proteins.parquet" in again.stdout


def test_a_crate_with_other_figures_is_told_from_what_is_measured(measured: Measured, tmp_path: Path) -> None:
    file, changed = tmp_path / "crate.zip", tmp_path / "changed.zip"
    assert protea("crate", measured.result_id, "-o", str(file), url=measured.up.url).returncode == 0
    with zipfile.ZipFile(file) as first, zipfile.ZipFile(changed, "w") as second:
        for name in first.namelist():
            second.writestr(name, b"{}" if name == "figures.json" else first.read(name))

    again = protea("rerun", str(changed), url=measured.up.url)

    assert again.returncode == 1
    assert "other bytes came of figures.json" in again.stderr


def test_a_crate_names_what_went_in_with_digests(measured: Measured, tmp_path: Path) -> None:
    file = tmp_path / "crate.zip"
    assert protea("crate", measured.result_id, "-o", str(file), url=measured.up.url).returncode == 0

    with zipfile.ZipFile(file) as archive:
        graph = {each["@id"]: each for each in json.loads(archive.read(METADATA))["@graph"]}

    assert graph[METADATA]["about"] == {"@id": "./"}
    assert {part["@id"] for part in graph["./"]["hasPart"]} == {"counts.parquet", "figures.json", "proteins.parquet"}
    for identifier in ("#ontology", "#annotations-t0", "#annotations-t1", "#predictions", "#information-accretion"):
        assert len(graph[identifier]["sha256"]) == 64
        assert {"@id": identifier} in graph["#run"]["object"]
    assert graph["#protea"]["softwareVersion"]
    assert len(graph["#protea"]["sha256"]) == 64


def test_what_is_no_crate_is_refused(measured: Measured, tmp_path: Path) -> None:
    file = tmp_path / "crate.zip"
    file.write_bytes(b"no archive")

    done = protea("rerun", str(file), url=measured.up.url)

    assert done.returncode == 1
    assert "no zip archive" in done.stderr
