from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from protea_common.domain.distance import DistanceMetric
from protea_predictor.domain.distances import exact_distances
from protea_predictor.domain.errors import InvalidVectorError, ShapeMismatchError
from protea_predictor.domain.neighbours import Neighbours, nearest_in_pools, nearest_neighbours

SCIPY_METRICS = {DistanceMetric.COSINE: "cosine", DistanceMetric.L2: "sqeuclidean"}


def random_vectors(seed: int, *shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def full_sort(
    queries: NDArray[Any],
    references: NDArray[Any],
    *,
    k: int,
    excluded: NDArray[np.int64] | None,
    metric: DistanceMetric,
) -> Neighbours:
    """Order all references of each query by float64 distance, then row."""
    found = Neighbours.none(len(queries), k)
    for q in range(len(queries)):
        rows = np.setdiff1d(np.arange(len(references)), [] if excluded is None else excluded[q])
        distances = exact_distances(
            queries, references, query_rows=np.full(len(rows), q), reference_rows=rows, metric=metric
        )
        order = np.argsort(distances, kind="stable")[:k]
        found.distances[q, : len(order)] = distances[order]
        found.rows[q, : len(order)] = rows[order]
    return found


def assert_same(left: Neighbours, right: Neighbours) -> None:
    np.testing.assert_array_equal(left.rows, right.rows)
    np.testing.assert_array_equal(left.distances, right.distances)


def test_distances_of_a_worked_example() -> None:
    queries = np.array([[3.0, 4.0]], dtype=np.float32)
    references = np.array([[4.0, 3.0], [-3.0, -4.0], [6.0, 8.0], [0.0, 0.0]], dtype=np.float32)

    cosine = nearest_neighbours(queries, references, k=4)
    squared = nearest_neighbours(queries, references, k=4, metric=DistanceMetric.L2)

    # (3,4).(4,3) = 24 = .96 * 5 * 5; the zero vector has no direction, so its distance is 1.
    assert cosine.rows.tolist() == [[2, 0, 3, 1]]
    np.testing.assert_allclose(cosine.distances, [[0.0, 0.04, 1.0, 2.0]], atol=1e-15)
    assert squared.rows.tolist() == [[0, 2, 3, 1]]
    assert squared.distances.tolist() == [[2.0, 25.0, 25.0, 100.0]]


@pytest.mark.parametrize("metric", DistanceMetric)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_neighbours_agree_with_scipy(metric: DistanceMetric, dtype: type[np.floating[Any]]) -> None:
    queries, references = random_vectors(1, 40, 33).astype(dtype), random_vectors(2, 700, 33).astype(dtype)
    truth = cdist(queries.astype(np.float64), references.astype(np.float64), SCIPY_METRICS[metric])

    found = nearest_neighbours(queries, references, k=7, metric=metric, tile_rows=64)

    np.testing.assert_array_equal(found.rows, np.argsort(truth, axis=1)[:, :7])
    np.testing.assert_allclose(found.distances, np.sort(truth, axis=1)[:, :7], rtol=1e-12, atol=1e-12)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_neighbours_are_those_of_a_full_float64_sort(data: st.DataObject) -> None:
    # Few distinct small vectors: most distances are tied, at the boundary of k and across tiles too.
    dimensions = data.draw(st.integers(1, 3))
    values = st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0, 1e-3, 3e7])
    shapes = st.integers(1, 30).map(lambda rows: (rows, dimensions))
    queries = data.draw(
        hnp.arrays(np.float32, data.draw(st.integers(1, 4).map(lambda n: (n, dimensions))), elements=values)
    )
    references = data.draw(hnp.arrays(np.float32, shapes, elements=values))
    excluded = data.draw(
        st.none() | hnp.arrays(np.int64, (len(queries), 2), elements=st.integers(-1, len(references) - 1))
    )
    k, tile_rows = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 12))
    metric = data.draw(st.sampled_from(DistanceMetric))

    found = nearest_neighbours(queries, references, k=k, excluded=excluded, metric=metric, tile_rows=tile_rows)

    assert_same(found, full_sort(queries, references, k=k, excluded=excluded, metric=metric))


@pytest.mark.parametrize("metric", DistanceMetric)
def test_nearly_equal_vectors_are_ordered_by_their_exact_distance(metric: DistanceMetric) -> None:
    # The references differ by a few float32 steps, far below what a float32 product of 512 terms resolves.
    base = random_vectors(3, 1, 512)
    references = np.repeat(base, 3000, axis=0)
    references += random_vectors(4, *references.shape) * np.float32(1e-6)
    queries = base + random_vectors(5, 6, 512) * np.float32(1e-2)

    found = nearest_neighbours(queries, references, k=10, metric=metric, tile_rows=256)

    assert_same(found, full_sort(queries, references, k=10, excluded=None, metric=metric))


def test_the_tile_changes_no_bit() -> None:
    queries, references = random_vectors(6, 20, 100), random_vectors(7, 500, 100)
    whole = nearest_neighbours(queries, references, k=9, tile_rows=500)

    for tile_rows in (1, 7, 64, 499):
        assert_same(nearest_neighbours(queries, references, k=9, tile_rows=tile_rows), whole)


def test_identical_vectors_are_at_the_same_distance_and_go_by_row() -> None:
    references = np.tile(random_vectors(8, 3, 64), (50, 1))
    query = random_vectors(9, 1, 64)

    found = nearest_neighbours(query, references, k=60, tile_rows=11)

    assert len(np.unique(found.distances)) == 2
    nearest = found.rows[0, 0]
    assert found.rows[0, :50].tolist() == list(range(nearest, 150, 3))


def test_a_vector_is_at_distance_zero_of_itself() -> None:
    vectors = random_vectors(10, 200, 77)

    for metric in DistanceMetric:
        found = nearest_neighbours(vectors, vectors, k=1, metric=metric)
        assert found.rows[:, 0].tolist() == list(range(200))
        assert not found.distances.any()


def test_excluded_references_are_not_found() -> None:
    vectors = random_vectors(11, 30, 8)
    excluded = np.stack((np.arange(30), np.full(30, -1), (np.arange(30) + 1) % 30), axis=1)

    found = nearest_neighbours(vectors, vectors, k=30, excluded=excluded, tile_rows=4)

    assert all(not np.isin(excluded[q], found.rows[q, :28]).any() for q in range(30))
    assert (found.rows[:, 28:] == -1).all()
    assert np.isinf(found.distances[:, 28:]).all()


def test_a_threshold_drops_what_is_farther_and_keeps_what_is_at_it() -> None:
    queries = np.array([[1.0, 0.0]], dtype=np.float32)
    references = np.array([[0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]], dtype=np.float32)

    found = nearest_neighbours(queries, references, k=3, distance_threshold=1.0)

    assert found.rows.tolist() == [[1, 0, -1]]
    assert found.distances.tolist() == [[0.0, 1.0, np.inf]]


def test_each_pool_is_searched_as_if_it_were_alone() -> None:
    queries, references = random_vectors(12, 15, 16), random_vectors(13, 400, 16)
    pools = (np.arange(0, 400, 3), np.arange(200), np.array([5], dtype=np.int64), np.array([], dtype=np.int64))

    found = nearest_in_pools(queries, references, pools=pools, k=4, tile_rows=50)

    for pool, neighbours in zip(pools, found, strict=True):
        alone = nearest_neighbours(queries, references[pool], k=4)
        rows = np.append(pool, -1)[alone.rows]
        assert_same(neighbours, Neighbours(alone.distances, rows))


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_share_the_tiles_and_change_nothing(threads: int) -> None:
    queries, references = random_vectors(15, 20, 16), random_vectors(16, 1_000, 16)
    pools = (np.arange(1_000), np.arange(0, 1_000, 7))
    own = np.arange(20).reshape(-1, 1)

    alone = nearest_in_pools(queries, references, pools=pools, k=6, excluded=own, tile_rows=64)
    shared = nearest_in_pools(queries, references, pools=pools, k=6, excluded=own, tile_rows=64, threads=threads)

    for one, other in zip(alone, shared, strict=True):
        assert_same(one, other)


def test_no_references_give_no_neighbours_and_no_queries_none() -> None:
    vectors = random_vectors(14, 3, 4)

    assert (nearest_neighbours(vectors, vectors[:0], k=2).rows == -1).all()
    assert nearest_neighbours(vectors[:0], vectors, k=2).rows.shape == (0, 2)


def test_embeddings_of_different_recipes_are_refused() -> None:
    with pytest.raises(ShapeMismatchError, match=r"\(1, 2\).*\(1, 3\)"):
        nearest_neighbours(np.ones((1, 2), np.float32), np.ones((1, 3), np.float32), k=1)
    with pytest.raises(ShapeMismatchError, match="exclusions"):
        nearest_neighbours(
            np.ones((1, 2), np.float32), np.ones((1, 2), np.float32), k=1, excluded=np.zeros((2, 1), int)
        )


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e16, 3e38])
def test_vectors_that_would_spoil_distances_are_refused(bad: float) -> None:
    good, spoilt = np.ones((2, 3), np.float32), np.array([[1, 1, 1], [1, bad, 1]], dtype=np.float32)

    with pytest.raises(InvalidVectorError, match="1 query vectors"):
        nearest_neighbours(spoilt, good, k=1)
    with pytest.raises(InvalidVectorError, match="1 reference vectors"):
        nearest_neighbours(good, spoilt, k=1)
