"""Backends of the search in a job, and the index that PostgreSQL searches."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from numpy.typing import NDArray
from pgvector import HalfVector
from sqlalchemy import text

from protea_common.db import copy_rows, session_scope
from protea_common.domain.distance import DistanceMetric
from protea_common.operations import PredictGoTerms
from protea_common.orm import JobStatus
from protea_predictor.adapters.storage import NotIndexableError, VectorIndexStore
from protea_predictor.domain.neighbours import nearest_neighbours
from support.predictor_bench import PredictorBench, World

BACKENDS = {
    "faiss Flat": {"search_backend": "faiss"},
    "faiss IVFFlat": {"search_backend": "faiss", "faiss_index_type": "IVFFlat", "faiss_nlist": 2, "faiss_nprobe": 2},
    "faiss HNSW": {"search_backend": "faiss", "faiss_index_type": "HNSW"},
    "torch": {"search_backend": "torch"},
    "pgvector": {"search_backend": "pgvector"},
}
DIMENSION = 24


@pytest.mark.parametrize("is_aspect_separated", [True, False])
@pytest.mark.parametrize("choices", BACKENDS.values(), ids=BACKENDS)
async def test_every_backend_predicts_what_the_exact_search_does(
    bench: PredictorBench, choices: dict[str, Any], is_aspect_separated: bool
) -> None:
    request = await bench.worked_example()
    async with bench.world() as world:
        await world.add_protein("R4", "MKR1")
        await world.annotate(request, [("R4", "GO:0000010", "IDA", None)])
        await world.add_query(request, "R2", None, residues="MKR2")

    exact = await bench.run(request, aspect_separated_knn=is_aspect_separated)
    job = await bench.run(request, aspect_separated_knn=is_aspect_separated, **choices)

    assert job.status is JobStatus.SUCCEEDED, job.error_message
    assert await bench.rows(job.id) == await bench.rows(exact.id)
    assert (await bench.prediction_set(job.id)).meta["search_backend"] == choices["search_backend"]


async def test_the_receipt_says_how_an_index_was_searched(bench: PredictorBench) -> None:
    request = await bench.worked_example()

    job = await bench.run(request, search_backend="faiss", faiss_index_type="HNSW", faiss_hnsw_ef_search=99)

    receipt = (await bench.prediction_set(job.id)).meta
    assert (receipt["faiss_index_type"], receipt["faiss_hnsw_m"], receipt["faiss_hnsw_ef_search"]) == ("HNSW", 32, 99)


def families(rng: np.random.Generator, count: int) -> NDArray[np.float16]:
    """Draw vectors in families, as proteins have them."""
    centres = rng.standard_normal((200, DIMENSION))
    near = centres[rng.integers(len(centres), size=count)] + 0.3 * rng.standard_normal((count, DIMENSION))
    return near.astype(np.float16)


async def write_vectors(world: World, request: PredictGoTerms, vectors: NDArray[np.float16]) -> NDArray[np.int64]:
    """Write a sequence with each vector; give their ids."""
    ids = [await world.add_sequence(f"MKV{'A' * n}") for n in range(len(vectors))]
    columns = ("sequence_id", "embedding_config_id", "embedding", "embedding_dim")
    rows = (
        (sequence_id, request.embedding_config_id, HalfVector(vector), DIMENSION)
        for sequence_id, vector in zip(ids, vectors, strict=True)
    )
    await copy_rows(world.session, "sequence_embedding", columns, rows)
    return np.array(ids, dtype=np.int64)


@pytest.mark.parametrize("metric", DistanceMetric)
@pytest.mark.parametrize("every", [1, 8], ids=["all are members", "one in eight is a member"])
async def test_the_index_finds_most_of_the_nearest_members(
    bench: PredictorBench, metric: DistanceMetric, every: int
) -> None:
    rng = np.random.default_rng(11)
    vectors, queries = families(rng, 1_200), families(rng, 40)
    async with bench.world() as world:
        request = await world.create()
        ids = await write_vectors(world, request, vectors)
        store = VectorIndexStore(world.session, request.embedding_config_id, DIMENSION, metric)
        await store.ensure()
        await store.ensure()

    async with session_scope(bench.platform.session_factory) as session:
        searched = store.using(session)
        found = await searched.nearest(queries, ids[::every], count=20, ef_search=64)
        scans = await session.scalar(
            text("SELECT pg_stat_get_xact_numscans(CAST(:name AS regclass))"), {"name": store.name}
        )

    truth = ids[::every][nearest_neighbours(queries, vectors[::every], k=10, metric=metric).rows]
    recall = np.mean([np.isin(wanted, got).mean() for wanted, got in zip(truth, found, strict=True)])
    assert recall >= 0.95
    assert np.isin(found[found >= 0], ids[::every]).all()
    assert scans >= len(queries)


async def test_an_index_is_of_one_recipe(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    async with bench.world() as world:
        await world.add_config()

    await bench.run(request, search_backend="pgvector")
    await bench.run(request, search_backend="pgvector")

    definition = await bench.scalar("SELECT indexdef FROM pg_indexes WHERE indexname LIKE 'ix_hnsw_%'")
    assert "USING hnsw" in definition
    assert str(request.embedding_config_id) in definition
    assert await bench.scalar("SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'ix_hnsw_%'") == 1


async def test_vectors_that_are_too_long_for_an_index_are_refused(bench: PredictorBench) -> None:
    config_id = uuid4()

    async with session_scope(bench.platform.session_factory) as session:
        with pytest.raises(NotIndexableError, match=f"{config_id} have 4001 dimensions.* up to 4000"):
            await VectorIndexStore(session, config_id, 4_001, DistanceMetric.COSINE).ensure()


async def test_a_job_that_needs_such_an_index_fails_with_what_to_do(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    async with bench.world() as world:
        long_config = await world.add_config()
        for accession in ("L1", "L2"):
            sequence_id = await world.add_protein(accession, f"MK{accession}")
            await world.embed(
                request.model_copy(update={"embedding_config_id": long_config}), sequence_id, [1.0] * 4001
            )
        await world.annotate(request, [("L1", "GO:0000010", "IDA", None)])
        await world.add_query(request, "L2", None, residues="MKL2")

    job = await bench.run(request, embedding_config_id=long_config, search_backend="pgvector")

    assert (job.status, job.error_code) == (JobStatus.FAILED, "NotIndexableError")
    assert "search_backend=numpy" in (job.error_message or "")
