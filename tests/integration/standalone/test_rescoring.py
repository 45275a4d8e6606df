"""Predictions scored anew on a running platform: measured, packed, measured again, listed and deleted like others."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from protea_common.domain.scoring import PRESETS
from support.folders import traversable_folder
from support.laptop import RunningUp, SmallData, protea, running_up
from support.main_job import FROZEN_AT, MainJob

VOTES = PRESETS["vote_fraction"]
PREDICTION_SETS = "/v1/embeddings/prediction-sets"


@dataclass(frozen=True, slots=True)
class Rescored:
    """A platform with a prediction set, and the result of one that was made of it by votes alone."""

    up: RunningUp
    source: str
    made: str
    result: str

    def get(self, path: str) -> httpx.Response:
        """Ask the platform."""
        return httpx.get(f"{self.up.url}{path}", timeout=60)


@pytest.fixture(scope="module")
def rescored(small_data: SmallData) -> Iterator[Rescored]:
    with (
        traversable_folder("protea-test-rescoring-") as parent,
        running_up(parent / "home") as up,
        closing(MainJob(up.url)) as client,
    ):
        yield Rescored(up, *scored_anew(client, up.url, small_data))


def scored_anew(client: MainJob, url: str, data: SmallData) -> tuple[str, str, str]:
    """Predict what was learnt since 2017, score it anew, measure that; give both sets and the result."""
    snapshot = client.run("load_ontology_snapshot", source_uri=client.upload(data.ontology))["ontology_snapshot_id"]
    client.run("load_proteins", source_uri=client.upload(data.proteins))
    annotations = client.upload(data.annotations)
    old, new = (client.load_annotations(annotations, snapshot, before=before) for before in (FROZEN_AT, None))
    window = client.run("generate_evaluation_set", old_annotation_set_id=old, new_annotation_set_id=new)
    recipe = client.run("fit_kmer_encoder")["embedding_config_id"]
    client.run("compute_embeddings", embedding_config_id=recipe)
    answer = httpx.post(
        f"{url}/v1/query-sets", data={"name": "all"}, files={"file": data.proteins.read_bytes()}, timeout=60
    )
    answer.raise_for_status()
    source = client.run(
        "predict_go_terms",
        embedding_config_id=recipe,
        ontology_snapshot_id=snapshot,
        annotation_set_id=old,
        query_set_id=answer.json()["id"],
    )["prediction_set_id"]
    asked: dict[str, Any] = {"prediction_set_id": source, "scoring_config_ids": [str(VOTES.id)]}
    (made,) = client.run("rescore_predictions", **asked)["prediction_set_ids"]
    what = {"evaluation_set_id": window["evaluation_set_id"], "prediction_set_id": made, "n_resamples": 0}
    return source, made, client.run("run_cafa_evaluation", **what)["evaluation_result_id"]


def test_a_crate_of_a_rescored_set_gives_the_same_bytes_again_and_says_what_it_was_made_of(
    rescored: Rescored, tmp_path: Path
) -> None:
    file = tmp_path / "crate.zip"
    packed = protea("crate", rescored.result, "-o", str(file), url=rescored.up.url)
    assert packed.returncode == 0, packed.stderr

    again = protea("rerun", str(file), url=rescored.up.url)

    assert again.returncode == 0, again.stderr
    assert "The same bytes: " in again.stdout
    with zipfile.ZipFile(file) as archive:
        graph = {each["@id"]: each for each in json.loads(archive.read("ro-crate-metadata.json"))["@graph"]}
    assert graph["#scoring"]["name"] == "vote_fraction (linear)"
    assert json.loads(graph["#predictions"]["description"])["scoring"]["name"] == "vote_fraction"
    assert {"@id": "#rescored-from"} in graph["#run"]["object"]
    assert graph["#rescored-from"]["name"] == f"prediction set {rescored.source}"
    assert "embedding_plus_vote" in graph["#rescored-from"]["description"]


def test_a_rescored_set_is_listed_counted_and_downloaded_like_others(rescored: Rescored) -> None:
    source, made = (rescored.get(f"{PREDICTION_SETS}/{each}").json() for each in (rescored.source, rescored.made))
    assert made["prediction_count"] == source["prediction_count"] > 0
    assert (made["scoring_config_id"], made["query_set_id"]) == (str(VOTES.id), source["query_set_id"])
    assert {each["id"] for each in rescored.get(PREDICTION_SETS).json()} == {rescored.source, rescored.made}
    pages = [rescored.get(f"{PREDICTION_SETS}/{each['id']}/proteins").json()["items"] for each in (source, made)]
    counts = [{protein["accession"]: protein["go_count"] for protein in page} for page in pages]
    assert counts[0] == counts[1] != {}

    tables = [rescored.get(f"{PREDICTION_SETS}/{each['id']}/predictions.tsv").text for each in (source, made)]
    before, after = (list(csv.DictReader(table.splitlines(), delimiter="\t")) for table in tables)
    assert len(before) == len(after) == made["prediction_count"]
    assert len({row["score"] for row in after}) <= 5  # shares of five neighbours
    assert len({row["score"] for row in before}) > 5


def test_deleting_a_rescored_set_leaves_its_source(rescored: Rescored) -> None:
    with closing(MainJob(rescored.up.url)) as client:
        asked = {"prediction_set_id": rescored.source, "scoring_config_ids": [str(PRESETS["embedding_only"].id)]}
        (made,) = client.run("rescore_predictions", **asked)["prediction_set_ids"]

    deleted = httpx.delete(f"{rescored.up.url}{PREDICTION_SETS}/{made}", timeout=60)

    assert deleted.is_success, deleted.text
    assert rescored.get(f"{PREDICTION_SETS}/{made}").status_code == httpx.codes.NOT_FOUND
    assert rescored.get(f"{PREDICTION_SETS}/{rescored.source}").is_success
