from __future__ import annotations

import numpy as np
import pytest

from protea_embedder.domain.stored_vectors import HalfPrecisionOverflowError, to_half_precision


def test_values_are_divided_by_the_scale_and_rounded_to_half_precision() -> None:
    vectors = np.array([[2.0, -100_000.0], [0.0, 4096.0]], dtype=np.float32)

    halves = to_half_precision(vectors, embedding_scale=2.0)

    assert halves.dtype == np.float16
    # Halves above 32,768 are 32 apart: 50,000 is in the middle of two and goes to the even one, 1,562 x 32.
    assert halves.tolist() == [[1.0, -49_984.0], [0.0, 2048.0]]


def test_the_greatest_half_precision_number_is_kept() -> None:
    halves = to_half_precision(np.array([[65_504.0]], dtype=np.float32), embedding_scale=1.0)

    assert halves.tolist() == [[65_504.0]]


def test_an_overflow_names_a_scale_that_would_do() -> None:
    vectors = np.array([[200_000.0, 1.0]], dtype=np.float32)  # 3.05 times 65,504; the next power of two is 4

    with pytest.raises(HalfPrecisionOverflowError, match="embedding_scale of 4 or more"):
        to_half_precision(vectors, embedding_scale=1.0)

    assert to_half_precision(vectors, embedding_scale=4.0).tolist() == [[49_984.0, 0.25]]


def test_a_scale_too_small_for_float32_is_an_overflow() -> None:
    with pytest.raises(HalfPrecisionOverflowError):
        to_half_precision(np.array([[0.5, 0.0]], dtype=np.float32), embedding_scale=1e-300)


def test_no_vectors_stay_no_vectors() -> None:
    assert to_half_precision(np.empty((0, 5), dtype=np.float32), embedding_scale=1.0).shape == (0, 5)
