"""What the backend pgvector finds of the exact neighbours, and how fast, on the embedded server.

    .venv/bin/python benchmarks/knn_pgvector.py [--json] [--references N]

1,000 queries, 40,000 references of 1,024 dimensions in half precision, made as in `knn.py`, k = 10, cosine: the index
(HNSW over halfvec) is made once, as a first job does, and each query is looked up among all references by an iterative
scan, as a job does. What it chooses is ranked exactly and compared with the exact search.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from knn import QUERIES, K, make_vectors
from numpy.typing import NDArray
from sqlalchemy import text
from vectors import CONFIG_ID, CONVENTION, TABLE, opened, server, stored

from protea_common.db import SessionFactory, copy_binary, session_scope
from protea_common.domain.distance import DistanceMetric
from protea_embedder.adapters.binary_copy import COPY_COLUMNS, copy_chunks
from protea_predictor.adapters.storage import VectorIndexStore
from protea_predictor.domain.chosen_neighbours import nearest_of_chosen
from protea_predictor.domain.neighbours import nearest_neighbours

__all__ = ["main"]

EF_SEARCH: Final = 64
"""Vectors that a search keeps at hand, the default of a job."""

SPARE: Final = 17
"""References asked for beyond K, as a worker does."""

QUERIES_PER_BATCH: Final = 250
_MAINTENANCE_MEMORY: Final = "1GB"
"""What the server may use while it makes the index; with its default of 64 MB the graph does not fit."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured.

    Attributes
    ----------
    recall_pgvector
        Share of the exact neighbours that are found.
    pgvector_queries_per_second
        Look-ups, one connection.
    pgvector_build_seconds
        Making the index.
    """

    recall_pgvector: float
    pgvector_queries_per_second: float
    pgvector_build_seconds: float


async def measure(dsn: str, vectors: NDArray[np.float16]) -> Figures:
    """Load, index and search."""
    queries, references = np.array(vectors[:QUERIES]), np.array(vectors[QUERIES:])
    truth = nearest_neighbours(queries, references, k=K).rows
    async with opened(dsn, rows=len(references)) as factory:
        await _load(factory, references)
        build_seconds = await _build(factory, dimension=references.shape[1])
        started = time.perf_counter()
        chosen = await _choose(factory, queries, count=len(references))
        seconds = time.perf_counter() - started
    found = nearest_of_chosen(queries, references, chosen, k=K).rows
    recall = np.mean([np.isin(wanted, got).mean() for wanted, got in zip(truth, found, strict=True)])
    return Figures(float(recall), QUERIES / seconds, build_seconds)


async def _load(factory: SessionFactory, references: NDArray[np.float16]) -> None:
    async with session_scope(factory) as session:
        chunks = copy_chunks(stored(references), embedding_config_id=CONFIG_ID, convention_version=CONVENTION)
        await copy_binary(session, TABLE, COPY_COLUMNS, chunks)


async def _build(factory: SessionFactory, *, dimension: int) -> float:
    started = time.perf_counter()
    async with session_scope(factory) as session:
        await session.execute(text(f"SET LOCAL maintenance_work_mem = '{_MAINTENANCE_MEMORY}'"))
        await VectorIndexStore(session, CONFIG_ID, dimension, DistanceMetric.COSINE).ensure()
    return time.perf_counter() - started


async def _choose(factory: SessionFactory, queries: NDArray[np.float16], *, count: int) -> NDArray[np.int64]:
    """Give the rows of references that pgvector finds for each query, padded with -1."""
    members, found = np.arange(1, count + 1), []
    for start in range(0, len(queries), QUERIES_PER_BATCH):
        async with session_scope(factory) as session:
            store = VectorIndexStore(session, CONFIG_ID, queries.shape[1], DistanceMetric.COSINE)
            batch = queries[start : start + QUERIES_PER_BATCH]
            found.append(await store.nearest(batch, members, count=K + SPARE, ef_search=EF_SEARCH))
    sequence_ids = np.concatenate(found)
    return np.where(sequence_ids > 0, sequence_ids - 1, -1)


def main() -> None:
    """Measure, print the figures and, with ``--json``, all as the last line."""
    parser = argparse.ArgumentParser(description="What pgvector finds of the exact neighbours.")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--references", type=int, default=40_000, help="references (default: 40,000)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="protea-knn-") as name, server() as dsn:
        path = Path(name) / "vectors.npy"
        make_vectors(path, QUERIES + arguments.references)
        figures = asyncio.run(measure(dsn, np.load(path, mmap_mode="r")))
    print(
        f"pgvector finds {figures.recall_pgvector:.1%} of the exact neighbours, "
        f"{figures.pgvector_queries_per_second:,.0f} queries/s; the index took {figures.pgvector_build_seconds:.0f} s"
    )
    if arguments.json:
        print(json.dumps({key: round(value, 3) for key, value in asdict(figures).items()}))


if __name__ == "__main__":
    main()
