"""Keys sorted without hashing are those that numpy's set operations give."""

from __future__ import annotations

import numpy as np
import pytest

from protea_predictor.domain.ragged import distinct_keys, holds


@pytest.mark.parametrize("seed", range(5))
def test_distinct_keys_are_numpys(seed: int) -> None:
    keys = np.random.default_rng(seed).integers(-50, 50, size=seed * 40)
    np.testing.assert_array_equal(distinct_keys(keys), np.unique(keys))


@pytest.mark.parametrize("seed", range(5))
def test_what_is_held_is_numpys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    held, wanted = np.unique(rng.integers(0, 90, size=seed * 20)), rng.integers(-10, 100, size=200)
    np.testing.assert_array_equal(holds(held, wanted), np.isin(wanted, held))


def test_nothing_is_held_by_none() -> None:
    none = np.empty(0, dtype=np.int64)
    assert holds(none, np.arange(3)).tolist() == [False] * 3
    assert holds(np.arange(3), none).tolist() == []
