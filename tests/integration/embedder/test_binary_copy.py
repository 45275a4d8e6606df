"""Vectors by binary COPY: what PostgreSQL holds afterwards is what numpy held before."""

from __future__ import annotations

import asyncpg
import numpy as np
import pgvector.asyncpg
import pytest
from numpy.typing import NDArray
from sqlalchemy.engine import make_url

from protea_common.db import session_scope
from protea_embedder.adapters.binary_copy import copy_chunks
from protea_embedder.adapters.storage import EmbeddingStore
from protea_embedder.domain.embedding_config import EmbeddingConfig
from protea_embedder.domain.stored_vectors import StoredVectors
from support.embedder_bench import EmbedderBench
from support.proteins import random_proteins

EXTREMES = np.array([0.0, -0.0, 65504.0, -65504.0, 2**-24, -(2**-24), 2**-14, 1 / 3, 1.0], dtype=np.float16)
"""Both zeros, the greatest values, the smallest subnormal, the smallest normal, one that is rounded."""


async def rows_for(bench: EmbedderBench, vectors: NDArray[np.float16]) -> StoredVectors:
    ids = [await bench.add_sequence(residues) for residues in random_proteins(len(vectors))]
    return StoredVectors(
        sequence_ids=np.array(ids, dtype=np.int64),
        chunk_starts=np.zeros(len(vectors), dtype=np.int32),
        chunk_ends=None,
        residues=np.arange(len(vectors), dtype=np.int32),
        truncated=np.zeros(len(vectors), dtype=np.bool_),
        vectors=vectors,
    )


async def read_back(bench: EmbedderBench) -> list[asyncpg.Record]:
    """Read by another road: a plain connection with pgvector's own decoder."""
    address = make_url(bench.platform.settings.db_url).set(drivername="postgresql")
    connection = await asyncpg.connect(address.render_as_string(hide_password=False))
    try:
        await pgvector.asyncpg.register_vector(connection)
        return list(await connection.fetch("SELECT * FROM sequence_embedding ORDER BY sequence_id"))
    finally:
        await connection.close()


async def write(bench: EmbedderBench, rows: StoredVectors, config: EmbeddingConfig, *, replace: bool = False) -> int:
    async with session_scope(bench.platform.session_factory) as session:
        return await EmbeddingStore(session).write(rows, config=config, replace=replace)


@pytest.mark.parametrize("dimension", [1, 9, 1188, 16_000])
async def test_vectors_come_back_bit_for_bit(bench: EmbedderBench, dimension: int) -> None:
    config = await bench.add_kmer_config()
    noise = np.random.default_rng(3).normal(size=(4, dimension)).astype(np.float16)
    vectors = np.concatenate([noise, np.resize(EXTREMES, (1, dimension))])
    rows = await rows_for(bench, vectors)

    assert await write(bench, rows, config) == 5

    found = await read_back(bench)
    for record, vector in zip(found, vectors, strict=True):
        read = record["embedding"].to_numpy()
        np.testing.assert_array_equal(read.astype(np.float16).view(np.uint16), vector.view(np.uint16))


async def test_the_other_columns_are_those_of_a_whole_sequence(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    rows = await rows_for(bench, np.ones((2, 3), dtype=np.float16))

    await write(bench, rows, config)

    for record, sequence_id, residues in zip(await read_back(bench), rows.sequence_ids, rows.residues, strict=True):
        assert record["sequence_id"] == sequence_id
        assert record["embedding_config_id"] == config.id
        assert (record["chunk_index_s"], record["chunk_index_e"]) == (0, None)
        assert (record["embedding_dim"], record["convention_version"]) == (3, 1)
        assert (record["residues"], record["truncated"]) == (residues, False)


async def test_chunks_come_back_with_the_residues_that_they_cover(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    sequence_id = await bench.add_sequence("MKTAYIAKQR")
    rows = StoredVectors(
        sequence_ids=np.array([sequence_id, sequence_id], dtype=np.int64),
        chunk_starts=np.array([0, 4], dtype=np.int32),
        chunk_ends=np.array([6, 10], dtype=np.int32),
        residues=np.array([6, 6], dtype=np.int32),
        truncated=np.array([True, True]),
        vectors=np.array([[1, 2, 3], [4, 5, 6]], dtype=np.float16),
    )

    assert await write(bench, rows, config) == 2
    assert await write(bench, rows, config) == 0
    assert await write(bench, rows, config, replace=True) == 2

    found = sorted(await read_back(bench), key=lambda record: record["chunk_index_s"])
    spans = [(record["chunk_index_s"], record["chunk_index_e"], record["truncated"]) for record in found]
    assert spans == [(0, 6, True), (4, 10, True)]
    assert [record["embedding"].to_list() for record in found] == [[1, 2, 3], [4, 5, 6]]


async def test_a_copy_of_several_chunks_keeps_every_row(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    vectors = np.random.default_rng(4).normal(size=(80, 16_000)).astype(np.float16)
    rows = await rows_for(bench, vectors)
    chunks = [chunk async for chunk in copy_chunks(rows, embedding_config_id=config.id, convention_version=1)]
    assert len(chunks) > 3  # header, two or more of rows, trailer

    assert await write(bench, rows, config) == 80

    found = await read_back(bench)
    np.testing.assert_array_equal([record["embedding"].to_numpy()[-1] for record in found], vectors[:, -1])


async def test_what_is_there_stays_unless_it_is_replaced(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    first = await rows_for(bench, np.ones((3, 2), dtype=np.float16))
    later = await rows_for(bench, np.zeros((4, 2), dtype=np.float16))  # the same three sequences and one more
    assert await write(bench, first, config) == 3

    assert await write(bench, later, config) == 1
    kept = [record["embedding"].to_list() for record in await read_back(bench)]
    assert await write(bench, later, config, replace=True) == 4
    replaced = [record["embedding"].to_list() for record in await read_back(bench)]

    assert kept == [[1, 1], [1, 1], [1, 1], [0, 0]]
    assert replaced == [[0, 0]] * 4


async def test_no_rows_are_no_trouble(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    rows = await rows_for(bench, np.empty((0, 5), dtype=np.float16))

    assert await write(bench, rows, config) == 0


async def test_a_rollback_takes_copied_rows_away(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    rows = await rows_for(bench, np.ones((3, 2), dtype=np.float16))

    with pytest.raises(RuntimeError, match="on purpose"):
        async with session_scope(bench.platform.session_factory) as session:
            assert await EmbeddingStore(session).write(rows, config=config, replace=False) == 3
            raise RuntimeError("on purpose")

    assert await read_back(bench) == []
    assert await write(bench, rows, config) == 3
