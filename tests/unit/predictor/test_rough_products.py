from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from protea_common.domain.distance import DistanceMetric
from protea_predictor.adapters.search import half_precision
from protea_predictor.adapters.search.half_precision import HalfPrecision, fastest_products
from protea_predictor.domain.rough_distances import RoughMeasure
from protea_predictor.domain.rough_products import SINGLE_PRECISION, Operand, RoughProducts


@pytest.fixture(params=[SINGLE_PRECISION, HalfPrecision()], ids=lambda products: products.name)
def products(request: pytest.FixtureRequest) -> RoughProducts:
    chosen: RoughProducts = request.param
    return chosen


def operand_of(products: RoughProducts, vectors: NDArray[np.float32]) -> tuple[Operand, NDArray[np.float32]]:
    operand = np.empty(vectors.shape, dtype=products.dtype)
    return operand, products.rounded(vectors, out=operand)


def values_of(operand: Operand) -> NDArray[np.float64]:
    """Read an operand; the upper half of a float32 is a bfloat16."""
    if operand.dtype == np.float32:
        return operand.astype(np.float64)
    return (operand.astype(np.uint32) << 16).view(np.float32).astype(np.float64)


def test_the_lengths_of_what_rounding_takes_are_no_less_than_the_truth(products: RoughProducts) -> None:
    vectors = np.random.default_rng(0).normal(size=(300, 57)).astype(np.float32)
    vectors *= 10.0 ** np.linspace(-20, 15, 300, dtype=np.float32)[:, None]

    operand, lost = operand_of(products, vectors)

    truth = np.linalg.norm(vectors.astype(np.float64) - values_of(operand), axis=1)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    assert (truth <= lost * 1.01).all()
    assert (lost <= lengths * products.result_step + 1e-17).all()


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 1024), (3000, 1, 640), (1, 500, 33), (70, 90, 1), (1030, 17, 999)])
def test_a_product_is_as_near_as_its_steps_say(shape: tuple[int, int, int], products: RoughProducts) -> None:
    # All of one sign, so that sums which were not made in single precision would be far too small.
    rng = np.random.default_rng(1)
    left, _ = operand_of(products, rng.random((shape[0], shape[2]), dtype=np.float32))
    right, _ = operand_of(products, rng.random((shape[1], shape[2]), dtype=np.float32))
    found = np.empty(shape[:2], dtype=np.float32)

    products.multiply(left, right, out=found)

    truth = values_of(left) @ values_of(right).T
    assert (np.abs(found - truth) <= truth * (products.result_step + shape[2] * 2.0**-24)).all()


def test_a_product_of_nothing_is_empty(products: RoughProducts) -> None:
    nothing, something = (operand_of(products, np.ones((rows, 5), dtype=np.float32))[0] for rows in (0, 3))

    for left, right in ((nothing, something), (something, nothing)):
        products.multiply(left, right, out=np.empty((len(left), len(right)), dtype=np.float32))


@pytest.mark.parametrize("metric", DistanceMetric)
@pytest.mark.parametrize("away", [0.0, 2.0])
@pytest.mark.parametrize("dimensions", [1, 3, 64, 1024])
def test_no_rough_distance_is_farther_from_the_truth_than_it_says(
    metric: DistanceMetric, away: float, dimensions: int, products: RoughProducts
) -> None:
    rng = np.random.default_rng(dimensions)
    lengths = 10.0 ** rng.uniform(-3, 3, size=(240, 1))
    vectors = ((rng.normal(size=(240, dimensions)) + away) * lengths).astype(np.float32)
    vectors[[7, 77]] = 0
    queries, references = vectors[:40], vectors[40:]
    measure = RoughMeasure.of(references, metric, products)

    rough = measure.queries(queries).against(
        measure.references(references), start=0, scratch=np.empty(40 * 200, dtype=np.float32)
    )

    found = rough.values + rough.offsets
    allowed = rough.error + rough.step * np.abs(rough.values)
    assert (np.abs(found - _distances(references, queries, metric)) <= allowed).all()


def _distances(
    references: NDArray[np.float32], queries: NDArray[np.float32], metric: DistanceMetric
) -> NDArray[np.float64]:
    left, right = (vectors.astype(np.float64) for vectors in (references, queries))
    if metric is DistanceMetric.COSINE:
        left, right = (
            vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30) for vectors in (left, right)
        )
    squares: NDArray[np.float64] = ((left[:, None] - right) ** 2).sum(axis=2)
    if metric is DistanceMetric.L2:
        return squares
    # The zero vector is at the distance 1 of all; of two unit vectors the cosine distance is half the squared one.
    squares[~left.any(axis=1)] = 2.0
    squares[:, ~right.any(axis=1)] = 2.0
    return squares / 2


def test_half_precision_is_chosen_where_the_processor_has_it() -> None:
    has_instructions = "avx512_bf16" in Path("/proc/cpuinfo").read_text()

    assert fastest_products().name == ("bfloat16" if has_instructions else "float32")


def test_without_torch_products_are_in_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half_precision, "find_spec", lambda _: None)

    assert fastest_products.__wrapped__() is SINGLE_PRECISION
