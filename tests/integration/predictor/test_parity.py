"""Every feature of every family, for the same rows: what a dataset holds is what serving computes."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from sqlalchemy import insert, select, update

from protea_cli.demo.data import read_lines
from protea_common.domain.scoring import DEFAULT_PRESET
from protea_common.domain.sequence import compute_sequence_hash
from protea_common.orm import InterProAnnotation, InterProGoMapping, InterProGoRelease, Protein, QuerySetEntry
from protea_common.orm import Sequence as SequenceRow
from protea_common.runtime import Platform
from protea_predictor.adapters.storage import QueryStore, ReferenceStore
from protea_predictor.domain.features.definitions import FEATURES, PRODUCED_FAMILIES
from protea_predictor.domain.prediction import PredictionRecipe
from protea_predictor.entrypoints.consumer import build_service
from protea_predictor.settings import PredictorSettings
from protea_predictor.usecases.candidates import MadeCandidates
from protea_predictor.usecases.references import selection_of
from protea_predictor.wiring import Factory, open_process
from support.predictor_bench import A, B, C, M
from support.training_bench import Circle, TrainingBench

PROTEINS = Path(__file__).parents[3] / "demo" / "data" / "fly_proteins.fasta.gz"
TAXA = (9606, 7227, 4932)
NODES = [(1, 1), (2759, 1), (33208, 2759), (9606, 33208), (7227, 33208), (4932, 2759)]
ASKED: Mapping[str, Any] = {
    "alignment": "required",
    "compute_alignments": True,
    "compute_taxonomy": True,
    "compute_term_vectors": True,
    "compute_embedding_pca": True,
    "interpro_mapping": "2017",
    "compute_self_prior": True,
    "compute_lineage": True,
    "compute_information": True,
    "compute_association": True,
    "compute_profile": True,
    "compute_species_prior": True,
    "compute_term_gains": True,
    "compute_links": True,
    "known_term_candidates": True,
}
WAIVED = (
    "alignment_vote_curated",
    "alignment_vote_electronic",
    "alignment_present",
    "anc2vec_query_known_count",
    "association_total",
    "association_cross",
    "association_present",
    "lineage_is_ancestor_of_known",
    "lineage_is_descendant_of_known",
    "lineage_ancestor_of_count",
    "lineage_descendant_of_count",
    "self_prior_score",
    "self_prior_curated",
    "self_prior_electronic",
)
"""Features that say nothing of the training window, of whose proteins nothing was known; later rows are compared."""


@dataclass(frozen=True)
class Given:
    """A predictor whose operator gave everything."""

    bench: TrainingBench
    settings: PredictorSettings


@pytest.fixture
async def given(platform: Platform, tmp_path: Path) -> AsyncIterator[Given]:
    lines = (f"{taxon}\t|\t{parent}\t|\tno rank\t|" for taxon, parent in NODES)
    (tmp_path / "nodes.dmp").write_text("\n".join(lines), encoding="utf-8")
    vectors = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 2.0]])
    np.savez(tmp_path / "terms.npz", go_ids=np.array([A, B, C]), vectors=vectors)
    settings = PredictorSettings(taxonomy_dir=tmp_path, term_vectors_file=tmp_path / "terms.npz")
    async with build_service(platform, settings=settings) as service:
        yield Given(TrainingBench(platform, service), settings)


async def test_a_dataset_holds_what_serving_computes(given: Given) -> None:
    bench = given.bench
    circle = await bench.circle()
    accessions = await furnish(bench, circle)
    waivers = circle.export().alarm_waivers | dict.fromkeys(WAIVED, "the world of this test is small")
    await bench.dataset(circle, alarm_waivers=waivers, **ASKED)
    content = await bench.platform.artifacts.get("datasets/circle/eval.parquet")
    learnt = pq.read_table(io.BytesIO(content))

    served = await serve(given, circle, accessions)

    compared = [name for name in learnt.column_names if name in FEATURES]
    assert {FEATURES[name].family for name in compared} == set(PRODUCED_FAMILIES)
    places = positions(served, learnt)
    assert len(places) > 100
    for name in compared:
        found = served.prediction.frame[name][places]
        np.testing.assert_array_equal(found, learnt[name].to_numpy(), err_msg=name)
    telling = {FEATURES[name].family for name in compared if len(np.unique(learnt[name].to_numpy())) > 1}
    assert telling == set(PRODUCED_FAMILIES)


async def furnish(bench: TrainingBench, circle: Circle) -> list[str]:
    """Give proteins sequences that resemble each other, taxa, InterPro results, and some of them a past."""
    rng = np.random.default_rng(5)
    records = "\n".join(read_lines(PROTEINS)).split(">")[1:]
    fly = ["".join(record.split("\n")[1:])[:150] for record in records]
    families = [sequence for sequence in fly if len(sequence) == 150][:6]
    async with bench.world() as world:
        rows = await world.session.execute(select(Protein.accession, Protein.sequence_id).order_by(Protein.accession))
        for number, (accession, sequence_id) in enumerate(rows.all()):
            residues = mutated(families[number % len(families)], rng)
            values = {"sequence": residues, "sequence_hash": compute_sequence_hash(residues), "length": len(residues)}
            await world.session.execute(update(SequenceRow).where(SequenceRow.id == sequence_id).values(values))
            taxon = {"taxonomy_id": TAXA[number % 3]} if number % 4 else {"taxonomy_id": None}
            await world.session.execute(update(Protein).where(Protein.accession == accession).values(taxon))
            if number % 3:
                await world.session.execute(insert(InterProAnnotation).values(hit(sequence_id, number)))
        pairs = [("IPR000001", B), ("IPR000002", C), ("IPR000002", M)]
        mapped = [{"ipr_accession": entry, "go_id": go_id, "source_version": "2017"} for entry, go_id in pairs]
        await world.session.execute(insert(InterProGoMapping), mapped)
        await world.session.execute(
            insert(InterProGoRelease).values(source_version="2017", released_on=date(2014, 12, 1))
        )
        gaining = [f"P{number:04d}" for number in range(240, 300)]
        for accession in gaining:
            sequence_id = await world.session.scalar(select(Protein.sequence_id).where(Protein.accession == accession))
            entry = {"query_set_id": circle.request.query_set_id, "accession": accession, "sequence_id": sequence_id}
            await world.session.execute(insert(QuerySetEntry).values(entry))
        stated = [(name, B, "IDA", None) for name in gaining[::3]] + [(name, C, "ISS", None) for name in gaining[1::3]]
        await world.annotate(circle.request, stated)
    await date_and_link(bench)
    return gaining


async def date_and_link(bench: TrainingBench) -> None:
    """Date the annotations, half of them in the last year before t0; let papers and interactions link proteins."""
    annotations = "UPDATE protein_go_annotation SET"
    shown = "protein_accession > 'P02' AND evidence_code = 'IDA'"
    await bench.execute(
        f"{annotations} annotation_date = '20140101', db_reference = 'PMID:' || right(protein_accession, 2)"
    )
    await bench.execute(f"{annotations} annotation_date = '20161201' WHERE protein_accession >= 'P0100'")
    await bench.execute(f"{annotations} evidence_code = 'IPI', with_from = 'UniProtKB:P0007' WHERE {shown}")


def mutated(residues: str, rng: np.random.Generator) -> str:
    """Exchange a fifth of the residues, and leave some of the last out."""
    letters = np.array(list(residues[: rng.integers(120, 150)]))
    places = rng.random(len(letters)) < 0.2
    letters[places] = rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), places.sum())
    return "".join(letters)


def hit(sequence_id: int | None, number: int) -> dict[str, Any]:
    return {
        "sequence_id": sequence_id,
        "source_db": ("Pfam", "PANTHER", "SUPERFAMILY", "SMART", "CDD", "ProSitePatterns", "Gene3D")[number % 7],
        "accession": f"IPR{1 + number % 4:06d}",
        "start": 1,
        "end": 9,
        "ipr_release": "5.22-61.0",
    }


async def serve(given: Given, circle: Circle, accessions: list[str]) -> MadeCandidates:
    """Make the candidates of a query set as a batch of ``predict_go_terms`` does, in a process of its own."""
    request = type(circle.request).model_validate(circle.request.model_dump() | dict(ASKED))
    recipe = PredictionRecipe(
        k=request.limit_per_entry, metric=request.metric, distance_threshold=None, scoring=DEFAULT_PRESET.recipe
    )
    async with open_process(given.bench.platform, given.settings) as context:
        maker = Factory(context).create_candidate_maker()
        async with given.bench.unit_of_work() as work:
            version = await ReferenceStore(work.session).version(selection_of(request))
            assert version is not None
            store, config_id = QueryStore(work.session), request.embedding_config_id
            coverage = await store.coverage(request.query_set_id, embedding_config_id=config_id)
            queries = await store.read(coverage.entry_ids, embedding_config_id=config_id, dimension=version.dimension)
        return await maker.make(request, version, queries, recipe, is_aligned=True)


def positions(served: MadeCandidates, learnt: Any) -> NDArray[np.int64]:
    """Find the served candidate of each row of the dataset."""
    frame, go_ids = served.prediction.frame, served.ontology.graph.go_ids
    pairs = zip(frame.query_row.tolist(), frame.term_row.tolist(), strict=True)
    place_of = {(served.queries.accessions[query], go_ids[term]): place for place, (query, term) in enumerate(pairs)}
    rows = zip(learnt["protein_accession"].to_pylist(), learnt["go_id"].to_pylist(), strict=True)
    return np.array([place_of[row] for row in rows], dtype=np.int64)
