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
from protea_predictor.adapters.search.half_precision import HalfPrecision
from protea_predictor.domain.distances import exact_distances
from protea_predictor.domain.errors import InvalidVectorError, ShapeMismatchError
from protea_predictor.domain.neighbours import Neighbours, nearest_in_pools, nearest_neighbours
from protea_predictor.domain.rough_distances import RoughMeasure
from protea_predictor.domain.rough_products import SINGLE_PRECISION, RoughProducts

PRODUCTS: tuple[RoughProducts, ...] = (SINGLE_PRECISION, HalfPrecision())

SCIPY_METRICS = {DistanceMetric.COSINE: "cosine", DistanceMetric.L2: "sqeuclidean"}


@pytest.fixture(params=PRODUCTS, ids=lambda products: products.name)
def products(request: pytest.FixtureRequest) -> RoughProducts:
    """Give each in turn: what is found is the same."""
    chosen: RoughProducts = request.param
    return chosen


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


def test_distances_of_a_worked_example(products: RoughProducts) -> None:
    queries = np.array([[3.0, 4.0]], dtype=np.float32)
    references = np.array([[4.0, 3.0], [-3.0, -4.0], [6.0, 8.0], [0.0, 0.0]], dtype=np.float32)

    cosine = nearest_neighbours(queries, references, k=4, products=products)
    squared = nearest_neighbours(queries, references, k=4, metric=DistanceMetric.L2, products=products)

    # (3,4).(4,3) = 24 = .96 * 5 * 5; the zero vector has no direction, so its distance is 1.
    assert cosine.rows.tolist() == [[2, 0, 3, 1]]
    np.testing.assert_allclose(cosine.distances, [[0.0, 0.04, 1.0, 2.0]], atol=1e-15)
    assert squared.rows.tolist() == [[0, 2, 3, 1]]
    assert squared.distances.tolist() == [[2.0, 25.0, 25.0, 100.0]]


@pytest.mark.parametrize("metric", DistanceMetric)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_neighbours_agree_with_scipy(
    metric: DistanceMetric, dtype: type[np.floating[Any]], products: RoughProducts
) -> None:
    queries, references = random_vectors(1, 40, 33).astype(dtype), random_vectors(2, 700, 33).astype(dtype)
    truth = cdist(queries.astype(np.float64), references.astype(np.float64), SCIPY_METRICS[metric])

    found = nearest_neighbours(queries, references, k=7, metric=metric, tile_rows=64, products=products)

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
    products = data.draw(st.sampled_from(PRODUCTS))

    found = nearest_neighbours(
        queries, references, k=k, excluded=excluded, metric=metric, tile_rows=tile_rows, products=products
    )

    assert_same(found, full_sort(queries, references, k=k, excluded=excluded, metric=metric))


@pytest.mark.parametrize("metric", DistanceMetric)
def test_nearly_equal_vectors_are_ordered_by_their_exact_distance(
    metric: DistanceMetric, products: RoughProducts
) -> None:
    # The references differ by a few float32 steps, far below what a float32 product of 512 terms resolves.
    base = random_vectors(3, 1, 512)
    references = np.repeat(base, 3000, axis=0)
    references += random_vectors(4, *references.shape) * np.float32(1e-6)
    queries = base + random_vectors(5, 6, 512) * np.float32(1e-2)

    found = nearest_neighbours(queries, references, k=10, metric=metric, tile_rows=256, products=products)

    assert_same(found, full_sort(queries, references, k=10, excluded=None, metric=metric))


def test_the_tile_changes_no_bit(products: RoughProducts) -> None:
    queries, references = random_vectors(6, 20, 100), random_vectors(7, 500, 100)
    whole = nearest_neighbours(queries, references, k=9, tile_rows=500, products=products)

    for tile_rows in (1, 7, 64, 499):
        assert_same(nearest_neighbours(queries, references, k=9, tile_rows=tile_rows, products=products), whole)


def test_identical_vectors_are_at_the_same_distance_and_go_by_row(products: RoughProducts) -> None:
    references = np.tile(random_vectors(8, 3, 64), (50, 1))
    query = random_vectors(9, 1, 64)

    found = nearest_neighbours(query, references, k=60, tile_rows=11, products=products)

    assert len(np.unique(found.distances)) == 2
    nearest = found.rows[0, 0]
    assert found.rows[0, :50].tolist() == list(range(nearest, 150, 3))


def test_a_vector_is_at_distance_zero_of_itself(products: RoughProducts) -> None:
    vectors = random_vectors(10, 200, 77)

    for metric in DistanceMetric:
        found = nearest_neighbours(vectors, vectors, k=1, metric=metric, products=products)
        assert found.rows[:, 0].tolist() == list(range(200))
        assert not found.distances.any()


def test_excluded_references_are_not_found(products: RoughProducts) -> None:
    vectors = random_vectors(11, 30, 8)
    excluded = np.stack((np.arange(30), np.full(30, -1), (np.arange(30) + 1) % 30), axis=1)

    found = nearest_neighbours(vectors, vectors, k=30, excluded=excluded, tile_rows=4, products=products)

    assert all(not np.isin(excluded[q], found.rows[q, :28]).any() for q in range(30))
    assert (found.rows[:, 28:] == -1).all()
    assert np.isinf(found.distances[:, 28:]).all()


def test_a_threshold_drops_what_is_farther_and_keeps_what_is_at_it(products: RoughProducts) -> None:
    queries = np.array([[1.0, 0.0]], dtype=np.float32)
    references = np.array([[0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]], dtype=np.float32)

    found = nearest_neighbours(queries, references, k=3, distance_threshold=1.0, products=products)

    assert found.rows.tolist() == [[1, 0, -1]]
    assert found.distances.tolist() == [[0.0, 1.0, np.inf]]


def test_each_pool_is_searched_as_if_it_were_alone(products: RoughProducts) -> None:
    queries, references = random_vectors(12, 15, 16), random_vectors(13, 400, 16)
    pools = (np.arange(0, 400, 3), np.arange(200), np.array([5], dtype=np.int64), np.array([], dtype=np.int64))

    found = nearest_in_pools(queries, references, pools=pools, k=4, tile_rows=50, products=products)

    for pool, neighbours in zip(pools, found, strict=True):
        alone = nearest_neighbours(queries, references[pool], k=4, products=products)
        rows = np.append(pool, -1)[alone.rows]
        assert_same(neighbours, Neighbours(alone.distances, rows))


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_share_the_tiles_and_change_nothing(threads: int, products: RoughProducts) -> None:
    queries, references = random_vectors(15, 20, 16), random_vectors(16, 1_000, 16)
    pools = (np.arange(1_000), np.arange(0, 1_000, 7))
    own = np.arange(20).reshape(-1, 1)

    alone = nearest_in_pools(queries, references, pools=pools, k=6, excluded=own, tile_rows=64, products=products)
    shared = nearest_in_pools(
        queries, references, pools=pools, k=6, excluded=own, tile_rows=64, threads=threads, products=products
    )

    for one, other in zip(alone, shared, strict=True):
        assert_same(one, other)


def test_no_references_give_no_neighbours_and_no_queries_none(products: RoughProducts) -> None:
    vectors = random_vectors(14, 3, 4)

    assert (nearest_neighbours(vectors, vectors[:0], k=2, products=products).rows == -1).all()
    assert nearest_neighbours(vectors[:0], vectors, k=2, products=products).rows.shape == (0, 2)


def test_embeddings_of_different_recipes_are_refused() -> None:
    with pytest.raises(ShapeMismatchError, match=r"\(1, 2\).*\(1, 3\)"):
        nearest_neighbours(np.ones((1, 2), np.float32), np.ones((1, 3), np.float32), k=1)
    with pytest.raises(ShapeMismatchError, match="exclusions"):
        nearest_neighbours(
            np.ones((1, 2), np.float32), np.ones((1, 2), np.float32), k=1, excluded=np.zeros((2, 1), int)
        )


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e16, 3e38])
def test_vectors_that_would_spoil_distances_are_refused(bad: float, products: RoughProducts) -> None:
    good, spoilt = np.ones((2, 3), np.float32), np.array([[1, 1, 1], [1, bad, 1]], dtype=np.float32)

    with pytest.raises(InvalidVectorError, match="1 query vectors"):
        nearest_neighbours(spoilt, good, k=1, products=products)
    with pytest.raises(InvalidVectorError, match="1 reference vectors"):
        nearest_neighbours(good, spoilt, k=1, products=products)


@pytest.mark.parametrize("metric", DistanceMetric)
def test_prepared_references_give_what_they_give_unprepared(metric: DistanceMetric, products: RoughProducts) -> None:
    queries, references = random_vectors(17, 12, 24), random_vectors(18, 700, 24)
    prepared = RoughMeasure.of(references, metric, products).references(references)

    found = nearest_neighbours(queries, references, k=5, metric=metric, tile_rows=100, prepared=prepared)

    assert_same(found, full_sort(queries, references, k=5, excluded=None, metric=metric))


@pytest.mark.parametrize("metric", DistanceMetric)
@pytest.mark.parametrize("away", [0.0, 1.0, 30.0])
def test_vectors_that_all_point_one_way_keep_their_order(
    metric: DistanceMetric, away: float, products: RoughProducts
) -> None:
    # What half precision resolves is a share of the length, far more than these distances differ by.
    queries = random_vectors(19, 9, 96) + np.float32(away)
    references = random_vectors(20, 3_000, 96) + np.float32(away)

    found = nearest_neighbours(queries, references, k=20, metric=metric, tile_rows=512, products=products)

    assert_same(found, full_sort(queries, references, k=20, excluded=None, metric=metric))


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    dimensions=st.sampled_from([1, 2, 17, 130]),
    exponents=st.sampled_from([(-10, 10), (-1, 1), (-14, -8), (10, 12)]),
    metric=st.sampled_from(DistanceMetric),
    k=st.integers(1, 12),
)
def test_lengths_of_all_magnitudes_lose_no_neighbour(
    seed: int, dimensions: int, exponents: tuple[int, int], metric: DistanceMetric, k: int
) -> None:
    rng = np.random.default_rng(seed)

    def draw(rows: int) -> NDArray[np.float32]:
        lengths = 10.0 ** rng.uniform(*exponents, size=(rows, 1)) * (rng.random((rows, 1)) > 0.1)
        vectors: NDArray[np.float32] = (rng.normal(size=(rows, dimensions)) * lengths / dimensions**0.5).astype(
            np.float32
        )
        return vectors

    distinct = draw(60)
    nudged = distinct[:20] * (1 + rng.normal(size=(20, dimensions)) * 1e-6)
    references = np.concatenate((distinct, distinct[:30], nudged.astype(np.float32)))
    queries = np.concatenate((draw(5), distinct[:3]))
    excluded = rng.integers(-1, len(references), size=(len(queries), 3))
    pools = [np.flatnonzero(rng.random(len(references)) < share) for share in (0.2, 0.9)] + [np.arange(len(references))]

    truth = [
        full_sort(queries, references[pool], k=k, excluded=_within(excluded, pool), metric=metric) for pool in pools
    ]
    for products in PRODUCTS:
        found = nearest_in_pools(
            queries, references, pools=pools, k=k, excluded=excluded, metric=metric, tile_rows=40, products=products
        )
        for pool, one, other in zip(pools, found, truth, strict=True):
            assert_same(one, Neighbours(other.distances, np.append(pool, -1)[other.rows]))


def _within(rows: NDArray[np.int64], pool: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the places of rows in a pool, -1 for one that is not in it."""
    places = np.full(max(pool.max(initial=0), rows.max()) + 2, -1)
    places[pool] = np.arange(len(pool))
    return places[rows]


def test_very_many_ties_are_decided_as_they_come(products: RoughProducts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protea_predictor.domain.neighbours._PENDING_PAIRS_MAX", 100)
    references = np.repeat(random_vectors(21, 2, 16), 200, axis=0)
    queries = random_vectors(22, 3, 16)

    found = nearest_neighbours(queries, references, k=7, tile_rows=30, products=products)

    assert_same(found, full_sort(queries, references, k=7, excluded=None, metric=DistanceMetric.COSINE))
