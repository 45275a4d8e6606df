from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from protea_predictor.adapters.projection_file import InvalidProjectionFileError, read_projection, write_projection
from protea_predictor.domain.features.pca import Projection, fit_projection


@pytest.fixture
def projection() -> Projection:
    return fit_projection(np.random.default_rng(3).normal(size=(50, 24)).astype(np.float16))


def test_a_fit_comes_back_to_the_bit(projection: Projection) -> None:
    found = read_projection(write_projection(projection))
    np.testing.assert_array_equal(found.mean, projection.mean)
    np.testing.assert_array_equal(found.components, projection.components)


def test_equal_fits_give_equal_bytes(projection: Projection) -> None:
    again = Projection(projection.mean.copy(), projection.components.copy())
    assert write_projection(again) == write_projection(projection)


@pytest.mark.parametrize(
    "arrays",
    [
        {"mean": np.zeros(3)},
        {"mean": np.zeros(3), "components": np.zeros((2, 4))},
        {"mean": np.zeros(3, np.float32), "components": np.zeros((2, 3))},
        {"mean": np.array([None]), "components": np.zeros((2, 1))},
    ],
    ids=["missing", "another dimension", "another precision", "pickled"],
)
def test_what_is_no_fit_is_refused(arrays: dict[str, Any]) -> None:
    file = io.BytesIO()
    np.savez(file, **arrays)
    with pytest.raises(InvalidProjectionFileError):
        read_projection(file.getvalue())


def test_what_is_no_archive_is_refused() -> None:
    with pytest.raises(InvalidProjectionFileError):
        read_projection(b"no archive")
