"""The main job as a client does it over HTTP, on a part of the fly data."""

from __future__ import annotations

import csv
import gzip
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from support.data_files import DEMO_DATA

__all__ = ["FROZEN_AT", "MainJob", "References", "query_fasta", "reference_fasta", "variant_fasta"]

FROZEN_AT = date(2017, 1, 1)
REFERENCE_PROTEINS = 700
QUERY_PROTEINS = 60
VARIANT_PROTEINS = 40
JOB_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class References:
    """What was loaded: identifiers of the snapshot, the two annotation sets and the recipe."""

    ontology_snapshot_id: str
    old_annotation_set_id: str
    new_annotation_set_id: str
    embedding_config_id: str


class MainJob:
    """A client of one platform; to be closed."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=60)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def load_references(self) -> References:
        """Load GO, proteins and annotations, frozen and whole; fit the encoder and embed the proteins."""
        snapshot = self.run("load_ontology_snapshot", source_uri=self.upload(DEMO_DATA / "go_2019-01-27.obo.gz"))
        self.run("load_proteins", source_uri=self.upload_bytes("proteins.fasta", reference_fasta()))
        annotations = self.upload_annotations()
        sets = [
            self.load_annotations(annotations, snapshot["ontology_snapshot_id"], before=before)
            for before in (FROZEN_AT, None)
        ]
        config = self.run("fit_kmer_encoder")["embedding_config_id"]
        self.run("compute_embeddings", embedding_config_id=config)
        return References(snapshot["ontology_snapshot_id"], sets[0], sets[1], config)

    def load_annotations(self, source_uri: str, snapshot_id: str, *, before: date | None) -> str:
        """Load an annotation set, all of it or frozen before a day; give its id."""
        result = self.run(
            "load_goa_annotations",
            source_uri=source_uri,
            ontology_snapshot_id=snapshot_id,
            source_version="2019-01-14" if before is None else before.isoformat(),
            **({} if before is None else {"annotated_before": before.isoformat()}),
        )
        return str(result["annotation_set_id"])

    def upload_annotations(self) -> str:
        """Upload the annotation file; give its source URI."""
        return self.upload(DEMO_DATA / "fly_annotations.gaf.gz")

    def upload(self, path: Path) -> str:
        """Upload a file; give its source URI."""
        return self.upload_bytes(path.name, path.read_bytes())

    def upload_bytes(self, name: str, content: bytes) -> str:
        """Upload bytes under a file name; give their source URI."""
        answer = self._http.post("/v1/uploads", files={"file": (name, content)})
        answer.raise_for_status()
        return str(answer.json()["source_uri"])

    def submit(self, operation: str, **payload: Any) -> str:
        """Submit a job; give its id."""
        answer = self._http.post("/v1/jobs", json={"operation": operation, "payload": payload})
        assert answer.is_success, answer.text
        return str(answer.json()["id"])

    def run(self, operation: str, **payload: Any) -> dict[str, Any]:
        """Run a job to its end; give its result."""
        return self.result(self.submit(operation, **payload))

    def job(self, job_id: str) -> dict[str, Any]:
        """Read a job, also while the gateway is starting again."""
        deadline = time.monotonic() + JOB_SECONDS
        while True:
            try:
                answer = self._http.get(f"/v1/jobs/{job_id}")
                if answer.is_success:
                    return dict(answer.json())
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, "the gateway does not answer"
            time.sleep(0.1)

    def result(self, job_id: str) -> dict[str, Any]:
        """Wait until a job has succeeded; give its result."""
        deadline = time.monotonic() + JOB_SECONDS
        while (job := self.job(job_id))["status"] in {"QUEUED", "RUNNING"}:
            assert time.monotonic() < deadline, f"the job did not end: {job}"
            time.sleep(0.05)
        assert job["status"] == "SUCCEEDED", job
        return dict(job["result"])

    def annotate(self, references: References, *, fasta: bytes | None = None, name: str = "queries") -> str:
        """Send a FASTA, the one of `query_fasta` unless given; give the id of the job."""
        answer = self._http.post(
            "/v1/annotate",
            files={"file": ("queries.fasta", fasta or query_fasta())},
            data={
                "name": name,
                "annotation_set_id": references.old_annotation_set_id,
                "embedding_config_id": references.embedding_config_id,
            },
        )
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        return str(answer.json()["job_id"])

    def predictions(self, job_id: str) -> list[dict[str, str]]:
        """Wait until the main job has succeeded; download its table."""
        address = f"/v1/embeddings/prediction-sets/{self.prediction_set(job_id)}/predictions.tsv"
        answer = self._http.get(address)
        answer.raise_for_status()
        return list(csv.DictReader(answer.text.splitlines(), delimiter="\t"))

    def prediction_set(self, job_id: str) -> str:
        """Wait until the main job has succeeded; give its prediction set."""
        return str(self.result(job_id)["prediction_set_id"])


def reference_fasta() -> bytes:
    """Give the first proteins of the fly file."""
    return _records(REFERENCE_PROTEINS)


def query_fasta() -> bytes:
    """Give some of the reference proteins, so that their own accession must be left out of their neighbours."""
    records = _records(REFERENCE_PROTEINS).split(b">")[1:]
    step = len(records) // QUERY_PROTEINS
    return b"".join(b">" + record for record in records[::step][:QUERY_PROTEINS])


def variant_fasta(variant: int) -> bytes:
    """Give proteins that are in no reference: some of the reference proteins without their last residues."""
    records = _records(REFERENCE_PROTEINS).decode().split(">")[1 + variant :: REFERENCE_PROTEINS // VARIANT_PROTEINS]
    sequences = ["".join(record.splitlines()[1:]) for record in records[:VARIANT_PROTEINS]]
    return "".join(
        f">variant{variant}x{number}\n{sequence[: -3 - variant]}\n" for number, sequence in enumerate(sequences)
    ).encode()


def _records(count: int) -> bytes:
    with gzip.open(DEMO_DATA / "fly_proteins.fasta.gz") as source:
        return b">" + b">".join(source.read().split(b">")[1 : count + 1])
