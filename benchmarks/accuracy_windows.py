"""The windows of the accuracy benchmark: days that cut one file of annotations, and the sets that come of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Self

from accuracy_jobs import Jobs

from protea_cli.demo.data import read_proteins
from protea_cli.demo.highlights import read_pairs
from protea_cli.errors import CommandError
from protea_common.domain.fasta import FastaRecord
from protea_evaluator.domain.knowledge import Category

__all__ = [
    "CAFA",
    "DATED",
    "REPORTING",
    "SELECTION",
    "TRAINING",
    "Days",
    "Files",
    "Loaded",
    "Window",
    "load",
    "open_window",
]


@dataclass(frozen=True, slots=True)
class Days:
    """A stretch of time in which proteins gained terms.

    Attributes
    ----------
    start, end
        First day, and first day behind it; what is known is what was annotated before ``start``.
    role
        What it is for, as ``generate_evaluation_set`` takes it; ``None`` to learn from.
    drops_binding_only
        Whether proteins that gained protein binding alone count, as ``generate_evaluation_set`` takes it.
    """

    name: str
    start: date
    end: date
    role: str | None
    drops_binding_only: bool = False


TRAINING = (Days("training", date(2016, 1, 1), date(2017, 1, 1), None),)
SELECTION = Days("selection", date(2017, 1, 1), date(2018, 1, 1), "valid")
REPORTING = Days("reporting", date(2018, 1, 1), date(2020, 1, 1), "test")
"""Ends behind the last annotation of the file, which is of January 2019."""
DATED = Days("dated", REPORTING.start, date(2019, 1, 13), "test")
"""The reporting window without the day that all 83,925 annotations by IntAct bear, whenever they were made."""
CAFA = replace(REPORTING, name="cafa", drops_binding_only=True)
"""The reporting window by CAFA's rule for proteins that gained protein binding alone."""


@dataclass(frozen=True, slots=True)
class Files:
    """What is loaded."""

    ontology: Path
    proteins: Path
    annotations: Path

    @classmethod
    def of(cls, folder: Path | None, *, demo: Path) -> Self:
        """Take the given folder's files, or those of the demo."""
        ontology = demo / "go_2019-01-27.obo.gz"
        if folder is None:
            return cls(ontology, demo / "fly_proteins.fasta.gz", demo / "fly_annotations.gaf.gz")
        return cls(ontology, folder / "proteins.fasta.gz", folder / "annotations.gaf.gz")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Identifiers of what was loaded.

    Attributes
    ----------
    annotation_sets
        By the day before which their annotations were made.
    proteins
        All of them by accession.
    """

    ontology_id: str
    embedding_config_id: str
    annotation_sets: Mapping[date, str]
    proteins: Mapping[str, FastaRecord]


@dataclass(frozen=True, slots=True)
class Window:
    """A window on the platform.

    Attributes
    ----------
    annotation_set_id
        What was known on its first day.
    query_set_id
        Proteins that gained a term.
    """

    days: Days
    evaluation_set_id: str
    annotation_set_id: str
    query_set_id: str


async def load(jobs: Jobs, files: Files, windows: Sequence[Days]) -> Loaded:
    """Load ontology, proteins and the annotations of before each day that a window begins or ends on, and embed."""
    ontology = await jobs.run("ontology", "load_ontology_snapshot", {"source_uri": await _upload(jobs, files.ontology)})
    await jobs.run("proteins", "load_proteins", {"source_uri": await _upload(jobs, files.proteins)})
    source = await _upload(jobs, files.annotations)
    sets = {}
    for day in sorted({day for window in windows for day in (window.start, window.end)}):
        payload = {
            "source_uri": source,
            "ontology_snapshot_id": ontology["ontology_snapshot_id"],
            "source_version": f"before {day}",
            "annotated_before": str(day),
        }
        sets[day] = (await jobs.run(f"annotations before {day}", "load_goa_annotations", payload))["annotation_set_id"]
    config_id = (await jobs.run("k-mer encoder", "fit_kmer_encoder", {}))["embedding_config_id"]
    await jobs.run("embeddings", "compute_embeddings", {"embedding_config_id": config_id})
    return Loaded(ontology["ontology_snapshot_id"], config_id, sets, read_proteins(files.proteins))


async def open_window(jobs: Jobs, loaded: Loaded, days: Days) -> Window:
    """Find who gained terms in a window, and keep those proteins as a query set."""
    payload: dict[str, Any] = {
        "old_annotation_set_id": loaded.annotation_sets[days.start],
        "new_annotation_set_id": loaded.annotation_sets[days.end],
    }
    if days.role is not None:
        payload["window_role"] = days.role
    if days.drops_binding_only:
        payload["drop_binding_only"] = True
    found = await jobs.run(f"{days.name} window", "generate_evaluation_set", payload)
    set_id = found["evaluation_set_id"]

    async def keep() -> str:
        accessions = await gained_by(jobs, set_id)
        if not accessions:
            raise CommandError(f"no protein gained a term from {days.start} to {days.end}")
        fasta = "".join(f">{name}\n{loaded.proteins[name].sequence}\n" for name in accessions)
        return await jobs.client.keep_query_set(fasta.encode(), name=f"{days.name} window")

    query_set_id = await jobs.once(f"{days.name} queries", f"queries-{set_id}", keep)
    return Window(days, set_id, payload["old_annotation_set_id"], query_set_id)


async def gained_by(jobs: Jobs, evaluation_set_id: str) -> list[str]:
    """List the accessions of the proteins that gained terms, ascending."""
    accessions: set[str] = set()
    for category in Category:
        path = f"/v1/annotations/evaluation-sets/{evaluation_set_id}/ground-truth-{category}.tsv"
        table = b"".join([piece async for piece in jobs.client.download(path)])
        accessions |= set(read_pairs(table.decode().splitlines()))
    return sorted(accessions)


async def _upload(jobs: Jobs, file: Path) -> str:
    async def send() -> str:
        return await jobs.client.upload(file, show=lambda _sent, _total: None)

    return str(await jobs.once(f"upload of {file.name}", f"upload-{file}", send))
