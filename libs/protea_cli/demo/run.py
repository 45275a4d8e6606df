"""What the demo does with a running platform, over HTTP like any other client."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from protea_cli.annotate import TableFormat, describe_tally, download_predictions, follow_annotation
from protea_cli.client import ProteaClient
from protea_cli.demo.ancestry import Ancestry
from protea_cli.demo.data import DemoData, read_lines, read_proteins
from protea_cli.demo.highlights import Highlight, choose_highlights, read_pairs, read_predictions
from protea_cli.embed import embed_proteins, fit_encoder
from protea_cli.errors import CommandError
from protea_cli.jobs import run_job, upload
from protea_cli.progress import Step, Steps
from protea_cli.states import AnnotationState
from protea_common.domain.fasta import FastaRecord
from protea_evaluator.domain.knowledge import Category
from protea_ingest.domain.obo import parse_obo

__all__ = ["FREEZE", "DemoOutcome", "run_demo"]

FREEZE: Final = "2017-01-01"
"""The day before which the demo pretends to be: later, too few proteins are left to measure; earlier, to learn from."""

RELEASE: Final = "2019-01"
"""Name of the whole annotation file: when it was made."""

PROTEIN_BINDING: Final = "GO:0005515"

N_PROTEINS: Final = 6
N_TERMS: Final = 2
"""What a screen holds beside the rest."""


@dataclass(frozen=True, slots=True)
class DemoOutcome:
    """What the demo has to show.

    Attributes
    ----------
    highlights
        A few proteins with their best terms.
    proteins
        All proteins of the demo by accession.
    learned
        Terms that proteins were found to have later, in aspects of which nothing was known before, with all above.
    results
        Measures by category and aspect, as the API gives them.
    predictions, queries
        The two files that the demo leaves.
    """

    highlights: Sequence[Highlight]
    proteins: Mapping[str, FastaRecord]
    learned: Mapping[str, frozenset[str]]
    results: Mapping[str, Mapping[str, Mapping[str, Any]]]
    predictions: Path
    queries: Path


@dataclass(frozen=True, slots=True)
class _Loaded:
    """Identifiers of the reference data."""

    frozen_set_id: str
    full_set_id: str
    embedding_config_id: str


@dataclass(frozen=True, slots=True)
class _Delta:
    """What was learned after the freeze: gained terms by category of knowledge and protein."""

    evaluation_set_id: str
    gained: Mapping[Category, Mapping[str, set[str]]]

    @property
    def accessions(self) -> list[str]:
        """All proteins that gained terms, in order."""
        return sorted(set().union(*self.gained.values()))


async def run_demo(client: ProteaClient, data: DemoData, folder: Path, steps: Steps) -> DemoOutcome:
    """Load, freeze, embed, annotate what gained annotations later, and evaluate; leave the predictions in ``folder``.

    Raises
    ------
    JobEndedError
        If a job fails.
    """
    loaded = await _load(client, data, steps)
    delta = await _find_learned(client, loaded, steps)
    proteins = await asyncio.to_thread(read_proteins, data.proteins)
    queries = folder / "queries.fasta"
    fasta = _fasta([proteins[accession] for accession in delta.accessions])
    queries.write_bytes(fasta)
    predictions = folder / "predictions.tsv"
    with steps.step("Annotating those proteins over HTTP") as step:
        state = await _annotate(client, fasta, loaded, step)
    with steps.step("Downloading and measuring the predictions") as step:
        results, (highlights, learned) = await asyncio.gather(
            _evaluate(client, delta.evaluation_set_id, state, step),
            _download_and_look(client, state, delta, ontology=data.ontology, predictions=predictions, step=step),
        )
    return DemoOutcome(highlights, proteins, learned, results, predictions, queries)


async def _load(client: ProteaClient, data: DemoData, steps: Steps) -> _Loaded:
    with steps.step(f"Loading the ontology ({data.ontology.name})") as step:
        source = await upload(client, data.ontology, step)
        ontology = await run_job(client, "load_ontology_snapshot", {"source_uri": source}, step)
        step.tell(f"{ontology['terms_inserted']:,} terms" if "terms_inserted" in ontology else "there already")
    with steps.step(f"Loading the proteins ({data.proteins.name})") as step:
        source = await upload(client, data.proteins, step)
        proteins = await run_job(client, "load_proteins", {"source_uri": source}, step)
        step.tell(f"{proteins['retrieved_records']:,} proteins")
    payload = {"ontology_snapshot_id": ontology["ontology_snapshot_id"]}
    with steps.step(f"Loading annotations known before {FREEZE}") as step:
        payload["source_uri"] = await upload(client, data.annotations, step)
        frozen = {"source_version": FREEZE, "annotated_before": FREEZE}
        old = await run_job(client, "load_goa_annotations", payload | frozen, step)
        step.tell(f"{old['annotations_inserted']:,} annotations")
    with steps.step(f"Loading all annotations, until {RELEASE}") as step:
        new = await run_job(client, "load_goa_annotations", payload | {"source_version": RELEASE}, step)
        step.tell(f"{new['annotations_inserted']:,} annotations")
    config_id = await fit_encoder(client, steps)
    await embed_proteins(client, steps, config_id)
    return _Loaded(old["annotation_set_id"], new["annotation_set_id"], config_id)


async def _find_learned(client: ProteaClient, loaded: _Loaded, steps: Steps) -> _Delta:
    payload = {"old_annotation_set_id": loaded.frozen_set_id, "new_annotation_set_id": loaded.full_set_id}
    with steps.step(f"Finding what was learned after {FREEZE}") as step:
        result = await run_job(client, "generate_evaluation_set", payload, step)
        path = f"/v1/annotations/evaluation-sets/{result['evaluation_set_id']}"
        gained = {category: await _pairs(client, f"{path}/ground-truth-{category}.tsv") for category in Category}
        delta = _Delta(result["evaluation_set_id"], gained)
        if not delta.accessions:
            raise CommandError("no protein gained a term after the freeze: is this the demo's own data?")
        step.tell(f"{len(delta.accessions):,} proteins gained terms by experiment")
        return delta


async def _annotate(client: ProteaClient, fasta: bytes, loaded: _Loaded, step: Step) -> AnnotationState:
    fields = {
        "name": "what was learned later",
        "annotation_set_id": loaded.frozen_set_id,
        "embedding_config_id": loaded.embedding_config_id,
    }
    job_id = await client.annotate(fasta, filename="queries.fasta", fields=fields)
    return await follow_annotation(client, job_id, step)


async def _evaluate(
    client: ProteaClient, evaluation_set_id: str, state: AnnotationState, step: Step
) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    payload = {"evaluation_set_id": evaluation_set_id, "prediction_set_id": state.prediction_set_id}
    result = await run_job(client, "run_cafa_evaluation", payload, step)
    rows = await client.get(f"/v1/annotations/evaluation-sets/{evaluation_set_id}/results")
    measured: Mapping[str, Mapping[str, Mapping[str, Any]]] = next(
        row["results"] for row in rows if row["id"] == result["evaluation_result_id"]
    )
    return measured


async def _download_and_look(
    client: ProteaClient, state: AnnotationState, delta: _Delta, *, ontology: Path, predictions: Path, step: Step
) -> tuple[list[Highlight], dict[str, frozenset[str]]]:
    tally = await download_predictions(client, state, str(predictions), table_format=TableFormat.TSV, step=step)
    step.tell(describe_tally(tally))
    return await asyncio.to_thread(_look, ontology, predictions, delta)


async def _pairs(client: ProteaClient, path: str) -> dict[str, set[str]]:
    table = b"".join([piece async for piece in client.download(path)])
    return read_pairs(table.decode().splitlines())


def _look(ontology: Path, predictions: Path, delta: _Delta) -> tuple[list[Highlight], dict[str, frozenset[str]]]:
    """Choose what to show, and add to what was learned the terms above it.

    Shown are aspects of which nothing was known about a protein, and of which more was learned than that it binds
    some protein, which CAFA leaves out as well.
    """
    ancestry = Ancestry.of(parse_obo(read_lines(ontology)))
    learned: dict[str, frozenset[str]] = {}
    targets: set[tuple[str, str]] = set()
    for category in (Category.NO_KNOWLEDGE, Category.LIMITED_KNOWLEDGE):
        for accession, terms in delta.gained[category].items():
            learned[accession] = learned.get(accession, frozenset()) | ancestry.all_with_ancestors(terms)
            aspects = (ancestry.aspect(term) for term in terms - {PROTEIN_BINDING})
            targets.update((accession, aspect.code) for aspect in aspects if aspect is not None)
    rows = read_predictions(read_lines(predictions))
    return choose_highlights(rows, ancestry, targets=targets, n_proteins=N_PROTEINS, n_terms=N_TERMS), learned


def _fasta(records: Sequence[FastaRecord]) -> bytes:
    return "".join(f">{record.accession} {record.description}\n{record.sequence}\n" for record in records).encode()
