"""``protea up`` and the commands that talk to it, each as a person starts them."""

from __future__ import annotations

import gzip
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import httpx
import pytest

from protea_common.domain.sequence import compute_sequence_hash
from protea_common.operations import COMPOSITE_LEAST_SCORE
from support.folders import traversable_folder
from support.laptop import RunningUp, SmallData, protea, running_up
from support.tiny_models import make_tiny_model


@dataclass(frozen=True, slots=True)
class Loaded:
    """A platform with references, and what each command printed on the way."""

    up: RunningUp
    printed: dict[str, str]


@pytest.fixture(scope="module")
def empty() -> Iterator[RunningUp]:
    """A platform that nothing was loaded into."""
    with traversable_folder("protea-test-up-") as parent, running_up(parent / "home") as up:
        yield up


@pytest.fixture(scope="module")
def loaded(empty: RunningUp, small_data: SmallData) -> Loaded:
    """The same platform once everything is loaded by the commands of the README."""
    commands = {
        "ontology": ("load", "ontology", str(small_data.ontology)),
        "proteins": ("load", "proteins", str(small_data.proteins)),
        "annotations": ("load", "annotations", str(small_data.annotations), "--annotated-before", "2017-01-01"),
        "embed": ("embed",),
    }
    printed = {}
    for name, command in commands.items():
        done = protea(*command, url=empty.url)
        assert done.returncode == 0, done.stderr
        printed[name] = done.stdout
    return Loaded(empty, printed)


def fasta_of(small_data: SmallData, accession: str) -> bytes:
    return f">query\n{small_data.records[accession].sequence}\n".encode()


def test_annotations_before_anything_is_loaded_are_told_what_to_load(
    empty: RunningUp, small_data: SmallData, tmp_path: Path
) -> None:
    output = tmp_path / "out.tsv"

    annotated = protea("annotate", str(small_data.proteins), "-o", str(output), url=empty.url)
    loading = protea("load", "annotations", str(small_data.annotations), url=empty.url)

    assert annotated.returncode == 1
    assert "protea load ontology" in annotated.stderr
    assert not output.exists()
    assert loading.returncode == 1
    assert "there is no ontology yet" in loading.stderr


def test_each_load_tells_its_counts_and_the_next_command(loaded: Loaded) -> None:
    assert "terms inserted: 47,347" in loaded.printed["ontology"]
    assert "load proteins" in loaded.printed["ontology"]
    assert "retrieved records: 150" in loaded.printed["proteins"]
    assert "rejected: " in loaded.printed["annotations"]
    assert "after cutoff" in loaded.printed["annotations"]
    assert f"embed --url {loaded.up.url}" in loaded.printed["annotations"]
    assert "sequences: " in loaded.printed["embed"]


def test_what_is_printed_into_a_file_has_no_control_characters(loaded: Loaded) -> None:
    for printed in loaded.printed.values():
        assert printed.replace("\n", "").isprintable()


def test_a_fasta_becomes_a_table(loaded: Loaded, small_data: SmallData, tmp_path: Path) -> None:
    output = tmp_path / "out.tsv"
    compressed = tmp_path / "queries.fasta.gz"
    compressed.write_bytes(gzip.compress(small_data.proteins.read_bytes()))

    done = protea("annotate", str(compressed), "-o", str(output), "-k", "3", url=loaded.up.url)

    assert done.returncode == 0, done.stderr
    header, *rows = output.read_text().splitlines()
    assert header.startswith("protein_accession\tgo_id\tgo_name\tgo_aspect\tscore\t")
    assert {row.split("\t")[0] for row in rows} <= small_data.records.keys()
    assert f"{len(rows):,} terms for " in done.stderr
    assert str(output) in done.stderr
    assert done.stdout == ""


def test_standard_input_becomes_standard_output_in_the_cafa_format(loaded: Loaded, small_data: SmallData) -> None:
    fasta = fasta_of(small_data, next(iter(small_data.records)))

    done = protea("annotate", "-", "-o", "-", "--format", "cafa", url=loaded.up.url, stdin=fasta)

    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert rows
    assert all(name == "query" and go_id.startswith("GO:") and 0 < float(score) <= 1 for name, go_id, score in rows)


def test_aligned_proteins_give_terms_where_that_is_wanted(loaded: Loaded, small_data: SmallData) -> None:
    fasta = fasta_of(small_data, next(iter(small_data.records)))

    done = protea("annotate", "-", "-o", "-", "--alignment", "required", url=loaded.up.url, stdin=fasta)

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 1
    newest = httpx.get(f"{loaded.up.url}/v1/jobs", params={"operation": "annotate"}).json()[0]
    job = httpx.get(f"{loaded.up.url}/v1/jobs/{newest['id']}").json()
    assert job["payload"]["alignment"] == "required"


def test_interpro_results_and_their_mapping_are_loaded(loaded: Loaded, small_data: SmallData, tmp_path: Path) -> None:
    accession, record = next(iter(small_data.records.items()))
    digest = compute_sequence_hash(record.sequence)
    columns = (accession, digest, "99", "Pfam", "PF00069", "kinase", "1", "9", "1e-9", "T", "1-1-2017", "IPR000719")
    results, mapping = tmp_path / "results.tsv", tmp_path / "interpro2go"
    results.write_text("\t".join(columns) + "\n")
    mapping.write_text("InterPro:IPR000719 Kinase > GO:protein kinase activity ; GO:0004672\n")

    unsaid = protea("load", "interproscan", str(results), url=loaded.up.url)
    scanned = protea("load", "interproscan", str(results), "--release", "5.22-61.0", url=loaded.up.url)
    mapped = protea("load", "interpro2go", str(mapping), "--released-on", "2017-01-07", url=loaded.up.url)

    assert unsaid.returncode == 1
    assert "give ipr_release" in unsaid.stderr
    assert "hits inserted: 1" in scanned.stdout, scanned.stderr
    assert "load interpro2go" in scanned.stdout
    assert "source version: interpro2go" in mapped.stdout, mapped.stderr
    assert "released on: 2017-01-07" in mapped.stdout


def test_the_composite_predicts_in_one_word(loaded: Loaded, small_data: SmallData) -> None:
    fasta = fasta_of(small_data, next(iter(small_data.records)))

    done = protea("annotate", "-", "-o", "-", "--method", "composite", url=loaded.up.url, stdin=fasta)

    assert done.returncode == 0, done.stderr
    scores = [float(line.split("\t")[4]) for line in done.stdout.splitlines()[1:]]
    assert scores
    assert all(COMPOSITE_LEAST_SCORE <= score <= 1 for score in scores)


def test_a_fault_of_the_fasta_is_told_with_its_line(loaded: Loaded, tmp_path: Path) -> None:
    (tmp_path / "bad.fasta").write_text(">a\nMKV\n>b\nMK1V\n")

    done = protea("annotate", str(tmp_path / "bad.fasta"), "-o", str(tmp_path / "out.tsv"), url=loaded.up.url)

    assert done.returncode == 1
    assert "line 3, b: no residue: '1' at 3" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_field_that_the_server_refuses_is_named(loaded: Loaded, small_data: SmallData, tmp_path: Path) -> None:
    command = ("annotate", str(small_data.proteins), "-o", str(tmp_path / "out.tsv"), "--annotation-set", "newest")

    done = protea(*command, url=loaded.up.url)

    assert done.returncode == 1
    assert "annotation_set_id" in done.stderr


def test_a_job_that_fails_says_why(loaded: Loaded, small_data: SmallData) -> None:
    done = protea("load", "ontology", str(small_data.proteins), url=loaded.up.url)

    assert done.returncode == 1
    assert "load_ontology_snapshot ended as FAILED: OBO: " in done.stderr


def test_ctrl_c_stops_it_in_good_order(home: Path) -> None:
    with running_up(home) as up:
        introduction = up.introduction()
        printed = up.end(signal.SIGINT)

    assert up.process.returncode == 0
    assert up.url in introduction
    assert str(home / "artifacts") in introduction
    assert "load ontology" in introduction
    assert printed.splitlines()[0].startswith("Stopping")
    assert printed.splitlines()[-1] == "PROTEA has stopped."
    assert not (home / "running.json").exists()


def test_a_second_one_on_the_same_home_is_told_where_the_first_is(home: Path) -> None:
    with running_up(home) as up:
        done = protea("up", "--home", str(home), "--port", "1")

    assert done.returncode == 1
    assert f"already running at {up.url} (process {up.process.pid})" in done.stderr


def test_a_language_model_is_added_listed_and_embeds(loaded: Loaded, tmp_path: Path) -> None:
    folder = make_tiny_model("esm", tmp_path)

    added = protea("encoder", "add", str(folder), "--backend", "esm", "--licence", "MIT", url=loaded.up.url)

    assert added.returncode == 0, added.stderr
    (config_id,) = re.findall(r"embedding config id: (\S+)", added.stdout)
    assert "licence: MIT" in added.stdout
    assert "model.safetensors" in added.stdout
    listed = protea("encoder", "list", url=loaded.up.url)
    assert config_id in listed.stdout
    assert "MIT" in listed.stdout
    embedded = protea("embed", "--embedding-config", config_id, url=loaded.up.url)
    assert embedded.returncode == 0, embedded.stderr
    assert "truncated:" in embedded.stdout


def test_a_folder_without_weights_is_refused_before_anything_is_sent(empty: RunningUp, tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"a pickle")

    done = protea("encoder", "add", str(tmp_path), "--backend", "esm", "--licence", "MIT", url=empty.url)

    assert done.returncode == 1
    assert "safetensors" in done.stderr
    assert "Sending" not in done.stdout


def test_an_encoder_needs_one_place_to_come_from(empty: RunningUp) -> None:
    done = protea("encoder", "add", "--backend", "esm", "--licence", "MIT", url=empty.url)

    assert done.returncode == 1
    assert "--server-folder" in done.stderr


def test_vectors_leave_and_come_back_as_a_file(loaded: Loaded, tmp_path: Path) -> None:
    listed = protea("encoder", "list", url=loaded.up.url)
    (config_id,) = re.findall(r"(\S+) +k-mer", listed.stdout)

    exported = protea(
        "embeddings", "export", "--embedding-config", config_id, "-o", str(tmp_path / "v.h5"), url=loaded.up.url
    )

    assert exported.returncode == 0, exported.stderr
    assert exported.stdout == ""
    with h5py.File(tmp_path / "v.h5") as file:
        vectors = len(file)
    imported = protea(
        "embeddings", "import", str(tmp_path / "v.h5"), "--model", "again", "--licence", "none", url=loaded.up.url
    )
    assert imported.returncode == 0, imported.stderr
    assert vectors > 0
    assert "unknown accessions: 0" in imported.stdout
