"""References are made ready once for each bank, and only where there is room."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np
import pytest

from protea_common.domain.distance import DistanceMetric
from protea_predictor.adapters.search.half_precision import HalfPrecision
from protea_predictor.domain.neighbours import nearest_neighbours
from protea_predictor.usecases.prepared_references import PreparedReferences
from support.annotated_references import open_bank

VECTORS = np.random.default_rng(0).standard_normal((300, 16)).astype(np.float16)
HALF_BYTES = 300 * 16 * 2


@pytest.fixture
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def prepared(executor: Executor, *, bytes_max: int = 1 << 20, worth_choosing: int = 0) -> PreparedReferences:
    return PreparedReferences(
        executor=executor,
        fastest_products=HalfPrecision,
        bytes_max=bytes_max,
        threads=2,
        worth_choosing=worth_choosing,
    )


async def test_what_is_prepared_is_kept_with_its_bank_for_the_metric_used_last(executor: Executor) -> None:
    references, bank = prepared(executor), open_bank(VECTORS)

    first = await references.get(bank, DistanceMetric.COSINE)

    assert await references.get(bank, DistanceMetric.COSINE) is first
    assert await references.get(open_bank(VECTORS), DistanceMetric.COSINE) is not first
    await references.get(bank, DistanceMetric.L2)
    assert await references.get(bank, DistanceMetric.COSINE) is not first


@pytest.mark.parametrize(("bytes_max", "is_prepared"), [(HALF_BYTES, True), (HALF_BYTES - 1, False), (0, False)])
async def test_a_bank_that_is_too_large_is_searched_unprepared(
    executor: Executor, bytes_max: int, is_prepared: bool
) -> None:
    references = prepared(executor, bytes_max=bytes_max)

    means = await references.get(open_bank(VECTORS), DistanceMetric.COSINE)

    assert (means.prepared is not None) == is_prepared
    assert means.products.name == "bfloat16"


@pytest.mark.parametrize(("worth_choosing", "products"), [(300, "bfloat16"), (301, "float32")])
async def test_a_small_bank_asks_for_no_other_products(executor: Executor, worth_choosing: int, products: str) -> None:
    means = await prepared(executor, worth_choosing=worth_choosing).get(open_bank(VECTORS), DistanceMetric.COSINE)

    assert means.products.name == products


@pytest.mark.parametrize("metric", DistanceMetric)
@pytest.mark.parametrize("bytes_max", [0, 1 << 20])
async def test_the_means_change_nothing_of_what_is_found(
    executor: Executor, metric: DistanceMetric, bytes_max: int
) -> None:
    means = await prepared(executor, bytes_max=bytes_max).get(open_bank(VECTORS), metric)

    plain = nearest_neighbours(VECTORS[:30], VECTORS, k=4, metric=metric)
    found = nearest_neighbours(
        VECTORS[:30],
        VECTORS,
        k=4,
        metric=metric,
        threads=means.threads,
        products=means.products,
        prepared=means.prepared,
    )

    np.testing.assert_array_equal(found.rows, plain.rows)
    np.testing.assert_array_equal(found.distances, plain.distances)
