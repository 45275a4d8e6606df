"""Features that need more than neighbours: the query's own annotations, taxa, vectors of terms."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from sqlalchemy import insert

from protea_common.db import session_scope
from protea_common.operations import PredictGoTerms
from protea_common.orm import JobStatus, ScoringConfig
from protea_common.runtime import Platform
from protea_predictor.settings import PredictorSettings
from support.predictor_bench import A, B, C, M, PredictorBench, open_bench

NODES = [(1, 1), (2759, 1), (33208, 2759), (9606, 33208), (7227, 33208), (4932, 2759)]
"""Root, eukaryotes, animals, human and fly among them, and yeast."""


@pytest.fixture
async def furnished(platform: Platform, tmp_path: Path) -> AsyncIterator[PredictorBench]:
    """A predictor whose operator gave a taxonomy dump and vectors of terms."""
    lines = (f"{taxon}\t|\t{parent}\t|\tno rank\t|" for taxon, parent in NODES)
    (tmp_path / "nodes.dmp").write_text("\n".join(lines), encoding="utf-8")
    vectors = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 2.0]])
    np.savez(tmp_path / "terms.npz", go_ids=np.array([A, B, "GO:0099999"]), vectors=vectors)
    settings = PredictorSettings(taxonomy_dir=tmp_path, term_vectors_file=tmp_path / "terms.npz")
    async with open_bench(platform, settings=settings) as bench:
        yield bench


async def add_scoring(bench: PredictorBench, **weights: float) -> UUID:
    config_id = uuid4()
    async with session_scope(bench.platform.session_factory) as session:
        values = {"id": config_id, "name": f"test {config_id}", "formula": "linear", "weights": weights}
        await session.execute(insert(ScoringConfig).values(values))
    return config_id


async def annotate_the_query(bench: PredictorBench, request: PredictGoTerms) -> None:
    async with bench.world() as world:
        await world.add_protein("Q1", "MKQ1")
        await world.annotate(request, [("Q1", C, "IEA", None), ("Q1", B, "ISS", "NOT"), ("Q1", M, "IDA", None)])


async def test_what_the_query_itself_is_annotated_with_becomes_a_signal(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    await annotate_the_query(bench, request)
    scoring = await add_scoring(bench, self_prior_score=1.0)

    job = await bench.run(request, compute_self_prior=True, scoring_config_id=scoring)
    rows = await bench.rows(job.id)

    # C is electronic and implies A; B is denied and M is experimental, so that neither speaks for itself here.
    assert {row["go_id"]: row["score"] for row in rows} == {A: 1.0, C: 1.0}
    assert (await bench.prediction_set(job.id)).meta["feature_families"][-1] == "self_prior"


async def test_a_signal_that_is_not_asked_for_is_refused_before_anything_is_predicted(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    scoring = await add_scoring(bench, self_prior_score=1.0)
    job = await bench.run(request, scoring_config_id=scoring)
    assert job.status is JobStatus.FAILED
    assert "self_prior_score" in (job.error_message or "")


async def test_votes_weigh_by_similarity_rank_and_evidence(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    for signal, expected in [
        ("knn_weighted_vote", {A: 1.0, B: 0.9 / 1.7, C: 0.8 / 1.7, M: 1.0}),
        ("knn_rank_vote", {A: 1.0, B: 1 / 1.5, C: 0.5 / 1.5, M: 1.0}),
        ("knn_vote_experimental", {A: 0.9 / 1.7, B: 0.9 / 1.7, M: 1.0}),
        ("term_prior", {A: 1.0, B: 2 / 3, C: 1 / 3, M: 1.0}),
    ]:
        job = await bench.run(request, scoring_config_id=await add_scoring(bench, **{signal: 1.0}))
        found = {row["go_id"]: row["score"] for row in await bench.rows(job.id)}
        assert found == pytest.approx(expected, abs=1e-3), signal


async def test_taxa_of_query_and_donors(furnished: PredictorBench) -> None:
    request = await furnished.worked_example()
    await furnished.execute("UPDATE protein SET taxonomy_id = 9606 WHERE accession = 'R1'")
    await furnished.execute("UPDATE protein SET taxonomy_id = 4932 WHERE accession = 'R2'")
    await furnished.execute("UPDATE query_set_entry SET taxonomy_id = 7227")

    job = await furnished.run(request, compute_taxonomy=True)
    columns = "taxonomic_relation, taxonomic_lca, taxonomic_distance, tax_voters_mean_common_ancestors"
    found = await read_features(furnished, job.id, columns)

    # Fly and human share root, eukaryotes and animals; fly and yeast root and eukaryotes. A has both donors.
    assert found[A] == ("intermediate", 33208, 2, 2.5)
    assert found[M] == ("distant", 2759, 3, 2.0)


async def test_proximity_of_taxa_needs_the_taxon_of_some_query_in_whatever_batch(furnished: PredictorBench) -> None:
    request = await furnished.worked_example()
    async with furnished.world() as world:
        await world.add_query(request, "Q2", (1, 0.1))
    await furnished.execute("UPDATE protein SET taxonomy_id = 9606")
    asked = {"compute_taxonomy": True, "scoring_config_id": await add_scoring(furnished, taxonomic_proximity=1.0)}

    refused = await furnished.run(request, **asked)
    await furnished.execute("UPDATE query_set_entry SET taxonomy_id = 7227 WHERE accession = 'Q1'")
    done = await furnished.run(request, batch_size=1, **asked)

    assert (refused.status, refused.error_code) == (JobStatus.FAILED, "FeatureSourceMissingError")
    assert "OX=" in (refused.error_message or "")
    assert {row["protein"]: row["score"] for row in await furnished.rows(done.id)} == {"Q1": pytest.approx(1 / 3)}


async def test_vectors_of_terms(furnished: PredictorBench) -> None:
    request = await furnished.worked_example()
    await annotate_the_query(furnished, request)
    async with furnished.world() as world:
        await world.annotate(request, [("Q1", A, "IDA", None)])

    job = await furnished.run(request, compute_term_vectors=True)
    columns = "anc2vec_has_emb, anc2vec_neighbor_maxcos, anc2vec_query_known_maxcos, anc2vec_query_known_count"
    found = await read_features(furnished, job.id, columns)

    assert found[A] == pytest.approx((1, 0.8, 1.0, 1))
    assert found[B] == pytest.approx((1, 0.8, 0.8, 1))
    assert found[C][:3] == (0, None, None)
    assert found[M] == (0, None, None, 0)


async def test_batches_change_no_feature(furnished: PredictorBench) -> None:
    request = await furnished.worked_example()
    await annotate_the_query(furnished, request)
    async with furnished.world() as world:
        await world.add_query(request, "Q2", (0.28, 0.96))
        await world.add_query(request, "Q3", (-1, 2))
    asked = {"compute_taxonomy": True, "compute_term_vectors": True, "compute_lineage": True}
    names = [f"f.{column}" for column in await feature_names(furnished)]

    together = await furnished.run(request, **asked)
    apart = await furnished.run(request, batch_size=1, **asked)

    first, second = [await read_features(furnished, job.id, ", ".join(names)) for job in (together, apart)]
    assert len(first) > 4
    assert first == second


@pytest.mark.parametrize(
    ("option", "setting"), [("compute_taxonomy", "TAXONOMY_DIR"), ("compute_term_vectors", "TERM_VECTORS_FILE")]
)
async def test_a_file_that_nobody_gave_is_asked_for(bench: PredictorBench, option: str, setting: str) -> None:
    request = await bench.worked_example()
    job = await bench.run(request, **{option: True})
    assert (job.status, job.error_code) == (JobStatus.FAILED, "FeatureSourceMissingError")
    assert setting in (job.error_message or "")


async def feature_names(bench: PredictorBench) -> list[str]:
    names: str = await bench.scalar(
        "SELECT string_agg(column_name, ' ' ORDER BY column_name) FROM information_schema.columns "
        "WHERE table_name = 'go_prediction_features' AND column_name <> 'prediction_id'"
    )
    return names.split()


async def read_features(bench: PredictorBench, job_id: UUID, columns: str) -> dict[Any, tuple[Any, ...]]:
    """Features by term of the first query, or by protein and term where there are several."""
    set_id = (await bench.prediction_set(job_id)).id
    async with session_scope(bench.platform.session_factory) as session:
        connection = await session.connection()
        rows = await connection.exec_driver_sql(
            f"SELECT p.protein_accession, t.go_id, {columns} FROM go_prediction p "  # noqa: S608 - names of a test
            "JOIN go_term t ON t.id = p.go_term_id JOIN go_prediction_features f ON f.prediction_id = p.id "
            f"WHERE p.prediction_set_id = '{set_id}'"
        )
        found: dict[Any, tuple[Any, ...]] = {}
        for row in map(list, rows):
            found[row[0], row[1]] = tuple(row[2:])
    proteins = {protein for protein, _ in found}
    return found if len(proteins) > 1 else {go_id: values for (_, go_id), values in found.items()}
