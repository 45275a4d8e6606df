"""Principal components: one stored fit per recipe, read by datasets and predictions alike."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.decomposition import PCA
from sqlalchemy import insert, select

from protea_common.db import session_scope
from protea_common.operations import PredictGoTerms
from protea_common.orm import EmbeddingProjection, JobStatus, Protein, QuerySetEntry, SequenceEmbedding
from protea_common.runtime import Platform
from protea_common.storage import LocalFsArtifactStore
from protea_predictor.adapters.storage import ReferenceStore
from protea_predictor.settings import PredictorSettings
from protea_predictor.usecases.projections import LoadedProjection
from protea_predictor.usecases.references import selection_of
from protea_predictor.wiring import ProcessContext, open_process
from support.predictor_bench import open_bench
from support.training_bench import REFERENCES, Circle, TrainingBench, open_training_bench

COMPONENTS = tuple(f"emb_pca_query_{number}" for number in range(16))


@pytest.fixture
async def bench(platform: Platform) -> AsyncIterator[TrainingBench]:
    async with open_training_bench(platform) as bench:
        yield bench


async def test_training_and_serving_read_the_same_coordinates(bench: TrainingBench) -> None:
    circle = await bench.circle()
    await bench.dataset(circle, compute_embedding_pca=True)
    rows = await learnt(bench)
    await ask_about(bench, circle, sorted({row["protein_accession"] for row in rows}))

    # Served from the references of 2017, of which there are more than the fit of 2015 looked at.
    job = await bench.run(circle.request, compute_embedding_pca=True)

    served = await coordinates(bench, job.id)
    assert len(rows) > 100
    for row in rows:
        first, second, *others = served[row["protein_accession"], row["go_id"]]
        assert (first, second) == (row["emb_pca_query_0"], row["emb_pca_query_1"])
        assert others == [None] * 14  # the vectors have two dimensions
        assert all(np.isnan(row[name]) for name in COMPONENTS[2:])


async def test_the_fit_is_that_of_the_references_of_the_first_window(bench: TrainingBench) -> None:
    circle = await bench.circle()
    await bench.dataset(circle, compute_embedding_pca=True)

    (fit,) = await fits(bench)
    peer = PCA(n_components=2, svd_solver="full").fit(await vectors(bench, REFERENCES))
    content = await bench.platform.artifacts.get(bench.platform.artifacts.key_from_uri(fit.artifact_uri))
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        np.testing.assert_allclose(np.abs(file["components"]), np.abs(peer.components_), atol=1e-9)
        np.testing.assert_allclose(file["mean"], peer.mean_, atol=1e-9)
    assert (fit.vector_count, fit.dimension, fit.component_count, fit.seed) == (REFERENCES, 2, 2, 0)
    assert (fit.content_sha256, fit.embedding_config_id) == (
        sha256(content).hexdigest(),
        circle.request.embedding_config_id,
    )


async def test_the_manifest_names_the_fit(bench: TrainingBench) -> None:
    circle = await bench.circle()
    await bench.dataset(circle, compute_embedding_pca=True)
    await bench.dataset(circle, output_name="plain")

    (fit,) = await fits(bench)
    asked, plain = [
        json.loads(await bench.platform.artifacts.get(f"datasets/{name}/manifest.json")) for name in ("circle", "plain")
    ]
    assert asked["projection_sha256"] == fit.content_sha256
    assert plain["projection_sha256"] is None


async def test_a_later_dataset_of_other_references_has_the_same_fit(bench: TrainingBench) -> None:
    circle = await bench.circle()
    await bench.dataset(circle, compute_embedding_pca=True)
    (first,) = await fits(bench)

    await bench.dataset(
        circle,
        output_name="later",
        train_evaluation_set_ids=(circle.selection,),
        compute_embedding_pca=True,
        selection_evaluation_set_id=None,
    )

    (second,) = await fits(bench)
    assert (second.id, second.content_sha256) == (first.id, first.content_sha256)


async def test_of_two_fits_at_once_one_stays_with_its_file(bench: TrainingBench) -> None:
    circle = await bench.circle()
    requests = [circle.request, circle.request.model_copy(update={"annotation_set_id": await oldest_set(bench)})]
    async with (
        open_process(bench.platform, PredictorSettings()) as first,
        open_process(bench.platform, PredictorSettings()) as second,
    ):
        fitted = await asyncio.gather(
            *(fit(bench, context, request) for context, request in zip((first, second), requests, strict=True))
        )

    (row,) = await fits(bench)
    assert [each.stored.content_sha256 for each in fitted] == [row.content_sha256] * 2
    store = bench.platform.artifacts
    assert isinstance(store, LocalFsArtifactStore)
    assert [key async for key in store.list_keys() if key.startswith("projections/")] == [
        store.key_from_uri(row.artifact_uri)
    ]


async def oldest_set(bench: TrainingBench) -> UUID:
    found = await bench.scalar("SELECT id FROM annotation_set WHERE source_version = '2015'")
    assert isinstance(found, UUID)
    return found


async def fit(bench: TrainingBench, context: ProcessContext, request: PredictGoTerms) -> LoadedProjection:
    selection = selection_of(request)
    async with bench.unit_of_work() as work:
        version = await ReferenceStore(work.session).version(selection)
    assert version is not None
    return await context.projections.fit_once(
        selection, version, await context.ontologies.get(request.ontology_snapshot_id)
    )


async def test_the_receipt_names_the_fit(bench: TrainingBench) -> None:
    circle = await bench.circle()
    await bench.dataset(circle, compute_embedding_pca=True)
    (fit,) = await fits(bench)

    asked = await bench.run(circle.request, compute_embedding_pca=True)
    plain = await bench.run(circle.request)

    receipt = (await bench.prediction_set(asked.id)).meta
    assert receipt["projection"] == {
        "content_sha256": fit.content_sha256,
        "references": fit.reference_digest,
        "vectors": REFERENCES,
        "solver": fit.solver,
        "seed": 0,
    }
    assert "emb_pca" in receipt["feature_families"]
    assert "projection" not in (await bench.prediction_set(plain.id)).meta


async def test_without_a_fit_predictions_are_refused_before_anything_is_predicted(bench: TrainingBench) -> None:
    circle = await bench.circle()

    job = await bench.run(circle.request, compute_embedding_pca=True)

    assert (job.status, job.error_code) == (JobStatus.FAILED, "NoProjectionError")
    assert "Export a dataset with compute_embedding_pca" in (job.error_message or "")
    assert await bench.scalar("SELECT count(*) FROM prediction_set") == 0


async def test_a_file_that_was_changed_is_refused(bench: TrainingBench) -> None:
    circle = await bench.circle()
    await bench.dataset(circle, compute_embedding_pca=True)
    (fit,) = await fits(bench)
    await bench.platform.artifacts.put(bench.platform.artifacts.key_from_uri(fit.artifact_uri), b"something else")

    async with open_bench(bench.platform) as other:  # another process, which has not read it yet
        job = await other.run(circle.request, compute_embedding_pca=True)

    assert (job.status, job.error_code) == (JobStatus.FAILED, "ProjectionDamagedError")


async def test_a_booster_of_coordinates_is_served_with_its_own_recipe_alone(bench: TrainingBench) -> None:
    circle = await bench.circle()
    reranker = await bench.reranker(await bench.dataset(circle, compute_embedding_pca=True))

    served = await bench.run(circle.request, reranker_model_ids=(reranker,), compute_embedding_pca=True)
    without = await bench.run(circle.request, reranker_model_ids=(reranker,))
    await bench.execute("UPDATE reranker_model SET embedding_config_id = NULL")
    async with open_bench(bench.platform) as other:
        unsaid = await other.run(circle.request, reranker_model_ids=(reranker,), compute_embedding_pca=True)

    assert served.status is JobStatus.SUCCEEDED, served.error_message
    for job, says in (
        (without, "emb_pca, which this request does not compute"),
        (unsaid, "a recipe that was not said"),
    ):
        assert (job.status, job.error_code) == (JobStatus.FAILED, "SchemaMismatchError")
        assert says in (job.error_message or "")


async def fits(bench: TrainingBench) -> list[EmbeddingProjection]:
    async with session_scope(bench.platform.session_factory) as session:
        return list(await session.scalars(select(EmbeddingProjection)))


async def learnt(bench: TrainingBench) -> list[dict[str, Any]]:
    content = await bench.platform.artifacts.get("datasets/circle/eval.parquet")
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(content)).to_pylist()
    return rows


async def ask_about(bench: TrainingBench, circle: Circle, accessions: list[str]) -> None:
    async with bench.world() as world:
        for accession in accessions:
            sequence_id = await world.session.scalar(select(Protein.sequence_id).where(Protein.accession == accession))
            entry = {"query_set_id": circle.request.query_set_id, "accession": accession, "sequence_id": sequence_id}
            await world.session.execute(insert(QuerySetEntry).values(entry))


async def coordinates(bench: TrainingBench, job_id: UUID) -> dict[tuple[str, str], tuple[float | None, ...]]:
    set_id = (await bench.prediction_set(job_id)).id
    async with session_scope(bench.platform.session_factory) as session:
        connection = await session.connection()
        rows = await connection.exec_driver_sql(
            f"SELECT p.protein_accession, t.go_id, {', '.join(COMPONENTS)} FROM go_prediction p "  # noqa: S608 - names of a test
            "JOIN go_term t ON t.id = p.go_term_id JOIN go_prediction_features f ON f.prediction_id = p.id "
            f"WHERE p.prediction_set_id = '{set_id}'"
        )
        return {(row[0], row[1]): tuple(row[2:]) for row in map(list, rows)}


async def vectors(bench: TrainingBench, number: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Vectors of the first proteins, as the database holds them."""
    async with session_scope(bench.platform.session_factory) as session:
        statement = (
            select(SequenceEmbedding.embedding)
            .join(Protein, Protein.sequence_id == SequenceEmbedding.sequence_id)
            .order_by(Protein.accession)
        )
        found = list(await session.scalars(statement.limit(number)))
    return np.array(found, dtype=np.float64)
