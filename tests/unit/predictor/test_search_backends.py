"""Every backend that chooses neighbours: what it chooses, ranked exactly, against the full exact search."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from protea_common.domain.distance import DistanceMetric
from protea_predictor.adapters.search.faiss_index import FaissChoices, FaissIndex, IndexType
from protea_predictor.adapters.search.torch_index import TorchIndex, TorchMissingError
from protea_predictor.domain.chosen_neighbours import nearest_of_chosen
from protea_predictor.domain.errors import ShapeMismatchError
from protea_predictor.domain.neighbours import Neighbours, nearest_neighbours

Index = FaissIndex | TorchIndex
Build = Callable[[NDArray[np.float16], NDArray[np.int64], DistanceMetric], Index]


def faiss_index(**choices: object) -> Build:
    return lambda references, pool, metric: FaissIndex(
        references,
        pool,
        metric=metric,
        choices=FaissChoices(**choices),  # type: ignore[arg-type]  # each case names its own
    )


def torch_index(references: NDArray[np.float16], pool: NDArray[np.int64], metric: DistanceMetric) -> TorchIndex:
    return TorchIndex(references, pool, metric=metric)


EXACT = {
    "faiss Flat": faiss_index(),
    "faiss IVFFlat that looks everywhere": faiss_index(index_type=IndexType.IVF_FLAT, nlist=4, nprobe=4),
    "torch": torch_index,
}
APPROXIMATE = {
    "faiss IVFFlat": faiss_index(index_type=IndexType.IVF_FLAT, nlist=16, nprobe=6),
    "faiss HNSW": faiss_index(index_type=IndexType.HNSW),
}


def families(seed: int, count: int, dimension: int = 24) -> NDArray[np.float16]:
    """Draw vectors in families, as proteins have them."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((count // 8, dimension))
    return (centres[rng.integers(len(centres), size=count)] + 0.3 * rng.standard_normal((count, dimension))).astype(
        np.float16
    )


def recall(found: Neighbours, truth: Neighbours) -> float:
    return float(np.mean([np.isin(truth.rows[n], found.rows[n]).mean() for n in range(len(truth.rows))]))


@pytest.mark.parametrize("metric", DistanceMetric)
@pytest.mark.parametrize("build", EXACT.values(), ids=EXACT)
def test_a_backend_that_compares_all_finds_the_exact_neighbours(build: Build, metric: DistanceMetric) -> None:
    references, queries = families(1, 900), families(2, 40)
    pool = np.arange(0, 900, 2)
    own = pool[:40].reshape(-1, 1)

    chosen = build(references, pool, metric).choose(queries, 12)
    found = nearest_of_chosen(queries, references, chosen, k=5, excluded=own, metric=metric)

    truth = nearest_neighbours(queries, references[pool], k=5, excluded=np.arange(40).reshape(-1, 1), metric=metric)
    np.testing.assert_array_equal(found.rows, pool[truth.rows])
    np.testing.assert_array_equal(found.distances, truth.distances)


@pytest.mark.parametrize("build", APPROXIMATE.values(), ids=APPROXIMATE)
def test_an_approximate_backend_finds_most_of_them(build: Build) -> None:
    references, queries = np.split(families(3, 3_060), [3_000])
    everything = np.arange(3_000)

    chosen = build(references, everything, DistanceMetric.COSINE).choose(queries, 40)
    found = nearest_of_chosen(queries, references, chosen, k=10)

    assert recall(found, nearest_neighbours(queries, references, k=10)) >= 0.9


@pytest.mark.parametrize("build", [*EXACT.values(), *APPROXIMATE.values()], ids=[*EXACT, *APPROXIMATE])
def test_a_pool_smaller_than_k_gives_what_it_has(build: Build) -> None:
    references = families(5, 40)

    chosen = build(references, np.arange(3), DistanceMetric.COSINE).choose(references[:7], 10)
    found = nearest_of_chosen(references[:7], references, chosen, k=5)

    assert (np.sort(found.rows[:, :3], axis=1) == [0, 1, 2]).all()
    assert (found.rows[:, 3:] == -1).all()


@pytest.mark.parametrize("build", [*EXACT.values(), *APPROXIMATE.values()], ids=[*EXACT, *APPROXIMATE])
def test_an_empty_pool_gives_nothing(build: Build) -> None:
    references = families(5, 40)

    chosen = build(references, np.arange(0), DistanceMetric.COSINE).choose(references[:7], 10)

    assert (nearest_of_chosen(references[:7], references, chosen, k=5).rows == -1).all()


def test_a_reference_chosen_twice_is_one_neighbour() -> None:
    vectors = families(6, 16)

    found = nearest_of_chosen(vectors[:1], vectors, np.array([[4, 4, 2, -1]]), k=3)

    assert sorted(found.rows[0].tolist()) == [-1, 2, 4]


def test_neighbours_beyond_the_threshold_are_dropped() -> None:
    vectors = np.eye(3, dtype=np.float16)

    found = nearest_of_chosen(vectors[:1], vectors, np.array([[0, 1, 2]]), k=3, distance_threshold=0.5)

    assert found.rows.tolist() == [[0, -1, -1]]


def test_choices_for_other_queries_are_refused() -> None:
    with pytest.raises(ShapeMismatchError, match="one per query"):
        nearest_of_chosen(families(7, 16), families(7, 16), np.zeros((2, 1), dtype=np.int64), k=1)


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(TorchMissingError, match="no device 'cuda:99'"):
        TorchIndex(families(8, 16), np.arange(16), metric=DistanceMetric.COSINE, device="cuda:99")
