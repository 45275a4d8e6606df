"""Language models through the whole service: from files in the artifact store to rows in the database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import h5py
import numpy as np
import pytest
from sqlalchemy import select

from protea_common.db import session_scope
from protea_common.operations import ComputeEmbeddings, EmbedResidues
from protea_common.orm import Job, JobStatus, SequenceEmbedding
from protea_common.storage import ArtifactNotFoundError
from protea_embedder.adapters.encoders import EncoderCache
from protea_embedder.adapters.model_store import ModelStore, WeightsDigestMismatchError, model_key
from protea_embedder.domain.embedding_config import EmbeddingConfig
from support.embedder_bench import EmbedderBench
from support.plain_loop import plain_loop
from support.proteins import random_proteins
from support.tiny_models import TINY_MODELS, WIDTH, make_tiny_model, store_model, tiny_recipe

PROTEINS = [*random_proteins(5), "MKUZOBX"]


async def registered(bench: EmbedderBench, folder: Path, name: str, **fields: object) -> EmbeddingConfig:
    with ThreadPoolExecutor(1) as executor:
        store = ModelStore(artifacts=bench.platform.artifacts, executor=executor)
        digest, weights_uri = await store_model(store, folder)
    recipe = tiny_recipe(name, digest=digest, **fields)
    return await bench.add_config(recipe, weights_uri=weights_uri, dimension=WIDTH)


async def embedded(bench: EmbedderBench, config: EmbeddingConfig) -> dict[str, object]:
    await bench.add_proteins(PROTEINS)
    job = await bench.run(await bench.submit_compute(ComputeEmbeddings(embedding_config_id=config.id)))
    assert (job.status, job.error_message) == (JobStatus.SUCCEEDED, None)
    assert job.result is not None
    return job.result


async def versions_of(bench: EmbedderBench, config: EmbeddingConfig) -> set[int]:
    statement = select(SequenceEmbedding.convention_version).where(SequenceEmbedding.embedding_config_id == config.id)
    async with session_scope(bench.platform.session_factory) as session:
        return set(await session.scalars(statement))


@pytest.mark.parametrize("name", TINY_MODELS)
async def test_a_job_stores_the_vectors_of_the_straightforward_loop(
    bench: EmbedderBench, tmp_path: Path, name: str
) -> None:
    folder = make_tiny_model(name, tmp_path)
    config = await registered(bench, folder, name)

    result = await embedded(bench, config)

    found = await bench.vectors()
    loop = plain_loop(name, folder)
    assert result["truncated"] == 0
    assert found.keys() == set(PROTEINS)
    for protein, vector in found.items():
        assert float(vector.astype(np.float32) @ loop.mean(protein)) > 1 - 2e-3


async def test_what_is_cut_off_is_recorded(bench: EmbedderBench, tmp_path: Path) -> None:
    config = await registered(bench, make_tiny_model("esm", tmp_path), "esm", max_length=52)
    longer = sum(len(protein) > 50 for protein in PROTEINS)

    result = await embedded(bench, config)

    assert 0 < longer < len(PROTEINS)
    assert result["truncated"] == longer
    assert await bench.scalar("SELECT count(*) FROM sequence_embedding WHERE truncated") == longer
    assert await bench.scalar("SELECT count(*) FROM sequence_embedding WHERE truncated AND residues <> 50") == 0


async def test_chunks_become_rows(bench: EmbedderBench, tmp_path: Path) -> None:
    config = await registered(
        bench, make_tiny_model("esm", tmp_path), "esm", use_chunking=True, chunk_size=100, chunk_overlap=20
    )

    result = await embedded(bench, config)

    chunks = sum(len(range(0, len(protein), 80)) for protein in PROTEINS)
    assert result["vectors_written"] == chunks
    assert await bench.scalar("SELECT count(*) FROM sequence_embedding WHERE chunk_index_e IS NOT NULL") == chunks
    assert await bench.scalar("SELECT max(chunk_index_e - chunk_index_s) FROM sequence_embedding") == 100


async def config_of_version(bench: EmbedderBench, folder: Path, name: str, version: int) -> EmbeddingConfig:
    """Make a recipe of any backend that computes, under conventions of a version."""
    if name == "kmer":
        of_today = await bench.add_kmer_config()
        recipe = replace(of_today.recipe, convention_version=version)
        return await bench.add_config(recipe, weights_uri=of_today.weights_uri)
    if name == "auto":
        return await registered(bench, folder, "esm", model_backend="auto", convention_version=version)
    return await registered(bench, folder, name, convention_version=version)


@pytest.mark.parametrize("name", [*TINY_MODELS, "auto", "kmer"])
async def test_every_row_carries_the_version_of_its_conventions(
    bench: EmbedderBench, tmp_path: Path, name: str
) -> None:
    folder = tmp_path if name == "kmer" else make_tiny_model("esm" if name == "auto" else name, tmp_path)
    earlier, later = [await config_of_version(bench, folder, name, version) for version in (2, 3)]

    await embedded(bench, earlier)
    await bench.run(await bench.submit_compute(ComputeEmbeddings(embedding_config_id=later.id)))

    assert later.id != earlier.id
    assert await versions_of(bench, earlier) == {2}
    assert await versions_of(bench, later) == {3}


async def test_a_changed_file_of_a_model_is_refused(bench: EmbedderBench, tmp_path: Path) -> None:
    config = await registered(bench, make_tiny_model("esm", tmp_path), "esm")
    digest = str(config.recipe.weights_digest)
    key = model_key(digest, "vocab.txt")
    await bench.platform.artifacts.put(key, await bench.platform.artifacts.get(key) + b"\n")

    with ThreadPoolExecutor(1) as executor:
        cache = EncoderCache(artifacts=bench.platform.artifacts, executor=executor, capacity=1)
        with pytest.raises(WeightsDigestMismatchError, match=r"vocab\.txt"):
            await cache.get(config)
        with pytest.raises(ArtifactNotFoundError):
            await cache.get(replace(config, id=uuid4(), recipe=replace(config.recipe, weights_digest="1" * 64)))


async def test_files_on_the_shared_folder_are_lent_and_checked_and_the_others_fetched(
    bench: EmbedderBench, tmp_path: Path
) -> None:
    config = await registered(bench, make_tiny_model("esm", tmp_path), "esm")
    digest, shared = str(config.recipe.weights_digest), tmp_path / "shared"
    (shared / digest).mkdir(parents=True)
    weights, vocabulary = "model.safetensors", "vocab.txt"
    (shared / digest / weights).write_bytes(await bench.platform.artifacts.get(model_key(digest, weights)))

    with ThreadPoolExecutor(1) as executor:
        store = ModelStore(artifacts=bench.platform.artifacts, executor=executor, shared=shared)
        async with store.lend(digest) as folder:
            assert (folder / weights).resolve() == (shared / digest / weights).resolve()
            assert not (folder / vocabulary).resolve().is_relative_to(shared.resolve())

        (shared / digest / weights).write_bytes(b"something else")
        with pytest.raises(WeightsDigestMismatchError, match=weights):
            await EncoderCache(
                artifacts=bench.platform.artifacts, executor=executor, capacity=1, shared_weights=shared
            ).get(config)


async def residues_job(bench: EmbedderBench, config: EmbeddingConfig, accessions: tuple[str, ...]) -> Job:
    request = EmbedResidues(embedding_config_id=config.id, accessions=accessions)
    return await bench.run(await bench.submit("embed_residues", request))


async def test_residues_on_request_are_those_of_the_straightforward_loop(bench: EmbedderBench, tmp_path: Path) -> None:
    folder = make_tiny_model("t5", tmp_path)
    config = await registered(bench, folder, "t5", max_length=0)
    await bench.add_proteins([*PROTEINS, PROTEINS[0]])

    job = await residues_job(bench, config, ("P0", "P5", "P6"))

    assert (job.status, job.error_message) == (JobStatus.SUCCEEDED, None)
    assert job.result is not None
    assert job.result["residues"] == len(PROTEINS[0]) + len(PROTEINS[5])
    (tmp_path / "residues.h5").write_bytes(await bench.platform.artifacts.get(str(job.result["artifact"])))
    loop = plain_loop("t5", folder)
    with h5py.File(tmp_path / "residues.h5") as file:
        assert set(file) == {"P0", "P5", "P6"}
        for accession, protein in (("P0", PROTEINS[0]), ("P5", PROTEINS[5]), ("P6", PROTEINS[0])):
            found, expected = file[accession][()].astype(np.float32), loop.residues(protein)
            assert found.shape == (len(protein), WIDTH)
            cosines = (found * expected).sum(axis=1) / np.linalg.norm(found, axis=1) / np.linalg.norm(expected, axis=1)
            assert cosines.min() > 0.98


async def test_residues_of_strangers_or_of_kmers_are_refused(bench: EmbedderBench, tmp_path: Path) -> None:
    config = await registered(bench, make_tiny_model("esm", tmp_path), "esm")
    kmers = await bench.add_kmer_config()
    await bench.add_proteins(PROTEINS)

    assert (await residues_job(bench, config, ("P0", "Q99999"))).error_code == "UnknownAccessionsError"
    assert (await residues_job(bench, kmers, ("P0",))).error_code == "NoResidueVectorsError"


async def test_too_many_residues_are_refused_before_anything_is_computed(bench: EmbedderBench, tmp_path: Path) -> None:
    config = await registered(bench, make_tiny_model("esm", tmp_path), "esm")
    await bench.add_proteins(["MK" * 100_001])

    job = await residues_job(bench, config, ("P0",))

    assert job.error_code == "TooManyResiduesError"
    assert await bench.batches(job.id) == []
