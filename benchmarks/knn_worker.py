"""One side of the neighbour benchmark as a process of its own; `knn.py` starts it and asks for searches.

    python benchmarks/knn_worker.py SIDE FILE.npy N_QUERIES K THREADS

The first N_QUERIES rows of the file are the queries, the others the references. For each line on standard input it
searches once and answers with a line of JSON: seconds and peak memory. The line ``save FILE`` keeps what was found
last.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from protea_common.domain.distance import DistanceMetric
from protea_predictor.adapters.search.half_precision import fastest_products
from protea_predictor.domain.neighbours import nearest_neighbours
from protea_predictor.domain.rough_distances import RoughMeasure
from protea_predictor.domain.rough_products import SINGLE_PRECISION, RoughProducts

__all__ = ["SIDES", "Found", "main"]

Found = tuple[NDArray[np.float64], NDArray[np.int64]]
Search = Callable[[], Found]

_ROWS_PER_ADD: Final = 8_192


def _ours(references: NDArray[np.float16], queries: NDArray[np.float16], k: int, threads: int) -> Search:
    """Search as a worker does where torch is installed, in half precision if the processor has it."""
    return _exact(references, queries, k, threads, products=fastest_products())


def _numpy(references: NDArray[np.float16], queries: NDArray[np.float16], k: int, threads: int) -> Search:
    """Search as a worker does without torch."""
    return _exact(references, queries, k, threads, products=SINGLE_PRECISION)


def _exact(
    references: NDArray[np.float16], queries: NDArray[np.float16], k: int, threads: int, *, products: RoughProducts
) -> Search:
    prepared = RoughMeasure.of(references, DistanceMetric.COSINE, products).references(references)

    def search() -> Found:
        # One thread for each product: the tiles are shared out instead.
        with threadpool_limits(1, user_api="blas"):
            found = nearest_neighbours(queries, references, k=k, threads=threads, prepared=prepared)
        return found.distances, found.rows

    return search


def _faiss_flat(references: NDArray[np.float16], queries: NDArray[np.float16], k: int, threads: int) -> Search:
    index = faiss.IndexFlatIP(references.shape[1])
    for start in range(0, len(references), _ROWS_PER_ADD):
        index.add(_unit(references[start : start + _ROWS_PER_ADD]))

    def search() -> Found:
        faiss.omp_set_num_threads(threads)
        products, rows = index.search(_unit(queries), k)
        return 1.0 - products.astype(np.float64), rows

    return search


def _product(references: NDArray[np.float16], queries: NDArray[np.float16], k: int, threads: int) -> Search:
    """Multiply, and find nothing: the limit of a search in single precision."""
    left, tile = _unit(queries), _unit(references[:_ROWS_PER_ADD])
    nothing = np.zeros((len(queries), k)), np.zeros((len(queries), k), dtype=np.int64)

    def search() -> Found:
        with threadpool_limits(threads, user_api="blas"):
            for _ in range(0, len(references), len(tile)):
                left @ tile.T
        return nothing

    return search


def _unit(vectors: NDArray[np.float16]) -> NDArray[np.float32]:
    converted = vectors.astype(np.float32)
    converted /= np.linalg.norm(converted, axis=1, keepdims=True)
    return converted


SIDES: Final = {"ours": _ours, "numpy": _numpy, "faiss": _faiss_flat, "product": _product}


def main() -> None:
    """Answer until standard input ends."""
    side, path, n_queries, k, threads = sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:6])
    vectors: NDArray[np.float16] = np.load(path, mmap_mode="r")
    search = SIDES[side](vectors[n_queries:], np.array(vectors[:n_queries]), k, threads)
    distances, rows = search()
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "save":
            np.savez(argument, distances=distances, rows=rows)
        started = time.perf_counter()
        distances, rows = search()
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": seconds, "peak_bytes": peak}), flush=True)


if __name__ == "__main__":
    main()
