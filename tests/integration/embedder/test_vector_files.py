"""Vectors as files: exported is what is stored, imported is what the file holds, and nothing else is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import UUID

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from protea_common.operations import ComputeEmbeddings, ExportEmbeddings, ImportEmbeddings
from protea_common.orm import Job, JobStatus
from protea_embedder.adapters.vector_files import Hdf5Writer, read_hdf5
from protea_embedder.domain.vector_rows import FileHead, VectorRow
from support.embedder_bench import EmbedderBench, expected_vectors
from support.proteins import random_proteins

SEQUENCES = random_proteins(5)


async def embedded(bench: EmbedderBench) -> tuple[UUID, list[str]]:
    """Embed proteins of `SEQUENCES`, and one more with the first of them; give the recipe and the accessions."""
    config = await bench.add_kmer_config()
    accessions = await bench.add_proteins([*SEQUENCES, SEQUENCES[0]])
    await bench.run(await bench.submit_compute(ComputeEmbeddings(embedding_config_id=config.id)))
    return config.id, accessions


async def exported(bench: EmbedderBench, tmp_path: Path, request: ExportEmbeddings) -> Path:
    job = await bench.run(await bench.submit("export_embeddings", request))
    assert (job.status, job.error_message) == (JobStatus.SUCCEEDED, None)
    assert job.result is not None
    path = tmp_path / "exported"
    path.write_bytes(await bench.platform.artifacts.get(str(job.result["artifact"])))
    assert job.result["bytes"] == path.stat().st_size
    return path


async def test_hdf5_has_a_dataset_for_each_accession(bench: EmbedderBench, tmp_path: Path) -> None:
    config_id, accessions = await embedded(bench)

    path = await exported(bench, tmp_path, ExportEmbeddings(embedding_config_id=config_id))

    expected = expected_vectors([*SEQUENCES, SEQUENCES[0]])
    with h5py.File(path) as file:
        assert sorted(file) == sorted(accessions)
        for accession, vector in zip(accessions, expected, strict=True):
            np.testing.assert_array_equal(file[accession][()], vector)
        assert file[accessions[0]].attrs["residues"] == len(SEQUENCES[0])
        assert file.attrs["embedding_config_id"] == str(config_id)
        assert '"model_backend": "kmer"' in file.attrs["recipe"]


async def test_parquet_has_a_row_for_each_vector(bench: EmbedderBench, tmp_path: Path) -> None:
    config_id, accessions = await embedded(bench)

    path = await exported(bench, tmp_path, ExportEmbeddings(embedding_config_id=config_id, file_format="parquet"))

    table = pq.read_table(path)
    assert table["accession"].to_pylist() == sorted(accessions)
    assert set(table["chunk_end"].to_pylist()) == {None}
    found = dict(zip(table["accession"].to_pylist(), table["embedding"].to_pylist(), strict=True))
    np.testing.assert_array_equal(found["P1"], expected_vectors(SEQUENCES)[1].astype(np.float32))
    assert table.schema.metadata[b"embedding_config_id"].decode() == str(config_id)


async def test_a_query_sets_vectors_go_by_its_own_names(bench: EmbedderBench, tmp_path: Path) -> None:
    config = await bench.add_kmer_config()
    query_set_id = await bench.add_query_set({"a/b": SEQUENCES[0], "..": SEQUENCES[1]})
    await bench.run(
        await bench.submit_compute(ComputeEmbeddings(embedding_config_id=config.id, query_set_id=query_set_id))
    )

    path = await exported(bench, tmp_path, ExportEmbeddings(embedding_config_id=config.id, query_set_id=query_set_id))

    with h5py.File(path) as file:
        assert {dataset.attrs["original_id"] for dataset in file.values()} == {"a/b", ".."}


async def test_nothing_to_export_is_told(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()

    job = await bench.run(await bench.submit("export_embeddings", ExportEmbeddings(embedding_config_id=config.id)))

    assert (job.status, job.error_code) == (JobStatus.FAILED, "NothingToExportError")


def test_chunks_of_one_accession_are_one_dataset(tmp_path: Path) -> None:
    head = FileHead(UUID(int=1), "{}", "MIT", 2)
    rows = [VectorRow("P1", start, start + 4, 4, False, np.array([start, 1], dtype=np.float16)) for start in (0, 3, 6)]
    writer = Hdf5Writer(tmp_path / "chunks.h5", head)

    for row in rows:
        writer.write([row])
    writer.close()

    with h5py.File(tmp_path / "chunks.h5") as file:
        assert file["P1"][()].tolist() == [[0, 1], [3, 1], [6, 1]]
        assert file["P1"].attrs["spans"].tolist() == [[0, 4], [3, 7], [6, 10]]


async def imported(bench: EmbedderBench, path: Path, **fields: object) -> Job:
    await bench.platform.artifacts.put("uploads/1/vectors.h5", path)
    payload = {"source_uri": "artifact:uploads/1/vectors.h5", "model_name": "prot/model", "licence": "MIT"}
    return await bench.run(await bench.submit("import_embeddings", ImportEmbeddings.model_validate(payload | fields)))


def write_vectors(path: Path, vectors: Mapping[str, NDArray[np.floating]]) -> Path:
    with h5py.File(path, "w") as file:
        for name, vector in vectors.items():
            file[name] = vector
    return path


async def test_vectors_of_others_become_an_embedding_set(bench: EmbedderBench, tmp_path: Path) -> None:
    accessions = await bench.add_proteins(SEQUENCES)
    rng = np.random.default_rng(0)
    vectors = {accession: rng.normal(size=24).astype(np.float32) for accession in [*accessions, "STRANGER"]}
    path = write_vectors(tmp_path / "vectors.h5", vectors)

    job = await imported(bench, path)

    assert (job.status, job.error_message) == (JobStatus.SUCCEEDED, None)
    assert job.result is not None
    assert (job.result["vectors_written"], job.result["unknown_accessions"]) == (5, 1)
    found = await bench.vectors()
    for accession, sequence in zip(accessions, SEQUENCES, strict=True):
        unit = vectors[accession] / np.linalg.norm(vectors[accession])
        np.testing.assert_allclose(found[sequence], unit, atol=1e-3)
    (config,) = await bench.configs()
    assert (config.model_backend, config.model_name, config.dimension) == ("imported", "prot/model", 24)
    again = await imported(bench, path)
    assert again.result is not None
    assert (again.result["embedding_config_id"], again.result["vectors_written"]) == (str(config.id), 0)


async def test_more_vectors_of_an_imported_recipe_cannot_be_computed(bench: EmbedderBench, tmp_path: Path) -> None:
    await bench.add_proteins(SEQUENCES)
    job = await imported(bench, write_vectors(tmp_path / "one.h5", {"P0": np.ones(3)}))
    assert job.result is not None

    computed = await bench.run(
        await bench.submit_compute(ComputeEmbeddings(embedding_config_id=job.result["embedding_config_id"]))
    )

    assert computed.error_code == "UnsupportedBackendError"
    assert "were imported" in str(computed.error_message)


async def test_an_export_can_be_imported(bench: EmbedderBench, tmp_path: Path) -> None:
    config_id, _ = await embedded(bench)
    path = await exported(bench, tmp_path, ExportEmbeddings(embedding_config_id=config_id))

    job = await imported(bench, path)

    assert job.result is not None
    assert (job.result["vectors_written"], job.result["unknown_accessions"]) == (5, 0)


async def test_strangers_alone_are_refused(bench: EmbedderBench, tmp_path: Path) -> None:
    job = await imported(bench, write_vectors(tmp_path / "strangers.h5", {"X1": np.ones(3), "X2": np.ones(3)}))

    assert job.error_code == "NothingToImportError"
    assert await bench.configs() == []


def residues(file: h5py.File) -> None:
    file["P0"] = np.ones((7, 3))


def text(file: h5py.File) -> None:
    file["P0"] = "no vector"


def group(file: h5py.File) -> None:
    file.create_group("P0")


def link_out(file: h5py.File) -> None:
    file["P0"] = h5py.ExternalLink("/etc/passwd", "P0")


def numbers_elsewhere(file: h5py.File) -> None:
    file.create_dataset("P0", shape=(3,), dtype="f4", external=[("/etc/passwd", 0, 12)])


def two_lengths(file: h5py.File) -> None:
    file["P0"], file["P1"] = np.ones(3), np.ones(4)


def not_a_number(file: h5py.File) -> None:
    file["P0"] = np.array([1.0, np.nan])


def too_long(file: h5py.File) -> None:
    file.create_dataset("P0", shape=(16_001,), dtype="f4")


def nothing(file: h5py.File) -> None:
    del file


@pytest.mark.parametrize(
    "fill",
    [residues, text, group, link_out, numbers_elsewhere, two_lengths, not_a_number, too_long, nothing],
)
async def test_what_is_no_file_of_vectors_is_refused(
    bench: EmbedderBench, tmp_path: Path, fill: Callable[[h5py.File], None]
) -> None:
    await bench.add_proteins(SEQUENCES)
    with h5py.File(tmp_path / "bad.h5", "w") as file:
        fill(file)

    job = await imported(bench, tmp_path / "bad.h5")

    assert (job.status, job.error_code) == (JobStatus.FAILED, "InvalidVectorFileError")
    assert await bench.vectors() == {}


async def test_another_kind_of_file_is_refused(bench: EmbedderBench, tmp_path: Path) -> None:
    (tmp_path / "no.h5").write_bytes(b"not hdf5")

    job = await imported(bench, tmp_path / "no.h5")

    assert job.error_code == "InvalidVectorFileError"


def test_a_file_is_read_block_by_block(tmp_path: Path) -> None:
    path = write_vectors(tmp_path / "five.h5", {f"P{number}": np.full(2, number) * 1.0 for number in range(5)})

    with read_hdf5(path) as file:
        blocks = list(file.blocks(2))

    assert [accessions for accessions, _ in blocks] == [["P0", "P1"], ["P2", "P3"], ["P4"]]
    assert blocks[2][1].tolist() == [[4.0, 4.0]]
